import java.io.ByteArrayInputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.SortedSet;
import java.util.TreeSet;
import javax.xml.XMLConstants;
import javax.xml.parsers.SAXParser;
import javax.xml.parsers.SAXParserFactory;
import javax.xml.validation.Schema;
import javax.xml.validation.SchemaFactory;
import org.xml.sax.Attributes;
import org.xml.sax.SAXException;
import org.xml.sax.SAXParseException;
import org.xml.sax.helpers.DefaultHandler;

/** The work itself, for the peers in Java: parse, XSD, route; and what the harness tells an engine. */
public final class Work {
    private static final String NAMESPACE = "urn:nsw:th:export-declaration:1";

    private final Schema schema;
    private final Map<String, List<String>> permits = new HashMap<>();
    private final String lead;
    private final String refused = setting("REFUSED");
    private final ThreadLocal<SAXParser> parsers = ThreadLocal.withInitial(this::newParser);

    public Work() throws Exception {
        schema = SchemaFactory.newInstance(XMLConstants.W3C_XML_SCHEMA_NS_URI)
                .newSchema(Path.of(setting("XSD")).toFile());
        lead = inboxOf(setting("LEAD"));
        for (String line : Files.readAllLines(Path.of(setting("PERMITS")), StandardCharsets.US_ASCII)) {
            String[] parts = line.split("\t");
            permits.put(parts[0], java.util.Arrays.stream(parts[1].split(",")).map(Work::inboxOf).toList());
        }
    }

    /** Gives a setting of the job. */
    public static String setting(String name) {
        String value = System.getenv("BENCH_" + name);
        if (value == null) {
            throw new IllegalStateException("BENCH_" + name + " is not set");
        }
        return value;
    }

    public Schema schema() {
        return schema;
    }

    public String refused() {
        return refused;
    }

    /** Parses, validates and reads in one pass; gives the topics of a document's copies. */
    public Iterable<String> route(byte[] value) {
        Reader reader = new Reader();
        try {
            parsers.get().parse(new ByteArrayInputStream(value), reader);
        } catch (SAXException error) {
            return List.of(refused);
        } catch (java.io.IOException error) {
            throw new IllegalStateException(error);
        }
        return reader.topics;
    }

    /** Adds the topics that goods go to. */
    public void add(SortedSet<String> topics, String tariff, String statistics) {
        String goods = tariff.strip();
        String statistical = statistics.strip();
        topics.addAll(permits.getOrDefault(
                goods.substring(0, Math.min(8, goods.length())) + "/" + "0".repeat(Math.max(0, 3 - statistical.length()))
                        + statistical, List.of()));
    }

    /** Begins a set of topics: the lead agency gets every declaration. */
    public SortedSet<String> begin() {
        SortedSet<String> topics = new TreeSet<>();
        topics.add(lead);
        return topics;
    }

    private static String inboxOf(String agency) {
        return "nsw.agency." + agency + ".inbox";
    }

    private SAXParser newParser() {
        try {
            SAXParserFactory factory = SAXParserFactory.newInstance();
            factory.setNamespaceAware(true);
            factory.setSchema(schema);
            factory.setFeature("http://apache.org/xml/features/disallow-doctype-decl", true);
            return factory.newSAXParser();
        } catch (Exception error) {
            throw new IllegalStateException(error);
        }
    }

    private final class Reader extends DefaultHandler {
        private final SortedSet<String> topics = begin();
        private final StringBuilder text = new StringBuilder();
        private String tariff = "";
        private String statistics = "";
        private boolean inItem;
        private boolean reads;

        @Override
        public void startElement(String uri, String name, String qualified, Attributes attributes) {
            if (!uri.equals(NAMESPACE)) {
                return;
            }
            if (name.equals("GoodsItem")) {
                inItem = true;
                tariff = "";
                statistics = "";
            }
            reads = inItem && (name.equals("TariffClassificationID") || name.equals("StatisticalCode"));
            text.setLength(0);
        }

        @Override
        public void characters(char[] characters, int start, int length) {
            if (reads) {
                text.append(characters, start, length);
            }
        }

        @Override
        public void endElement(String uri, String name, String qualified) {
            if (reads) {
                if (name.equals("TariffClassificationID")) {
                    tariff = text.toString();
                } else {
                    statistics = text.toString();
                }
                reads = false;
            } else if (inItem && name.equals("GoodsItem")) {
                add(topics, tariff, statistics);
                inItem = false;
            }
        }

        @Override
        public void error(SAXParseException error) throws SAXException {
            throw error;
        }

        @Override
        public void fatalError(SAXParseException error) throws SAXException {
            throw error;
        }
    }
}
