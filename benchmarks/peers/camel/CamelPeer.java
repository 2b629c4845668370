import java.util.List;
import java.util.SortedSet;
import org.apache.camel.Exchange;
import org.apache.camel.ValidationException;
import org.apache.camel.builder.RouteBuilder;
import org.apache.camel.main.Main;
import org.w3c.dom.Document;
import org.w3c.dom.Element;
import org.w3c.dom.NodeList;

/** Apache Camel: its validator, and a recipient list by content; at least once, since it has no transactions with Kafka. */
public final class CamelPeer {
    private static final String NAMESPACE = "urn:nsw:th:export-declaration:1";

    public static void main(String[] arguments) throws Exception {
        Work work = new Work();
        String kafka = "?brokers=" + Work.setting("BOOTSTRAP");
        String bytes = "org.apache.kafka.common.serialization.ByteArray";
        String consumer = kafka + "&groupId=" + Work.setting("GROUP")
                + "&autoOffsetReset=earliest&isolationLevel=read_committed"
                + "&keyDeserializer=" + bytes + "Deserializer&valueDeserializer=" + bytes + "Deserializer"
                + "&maxPollRecords=" + Work.setting("BATCH_RECORDS")
                + "&autoCommitIntervalMs=" + Work.setting("COMMIT_MS")
                + "&consumersCount=" + Work.setting("THREADS");
        String producer = kafka + "&keySerializer=" + bytes + "Serializer&valueSerializer=" + bytes + "Serializer"
                + "&compressionCodec=lz4&lingerMs=0&producerBatchSize=1048576&maxRequestSize=8388608"
                + "&recordMetadata=false";
        Main main = new Main();
        main.configure().addRoutesBuilder(new RouteBuilder() {
            @Override
            public void configure() {
                onException(ValidationException.class).handled(true)
                        .setBody(exchangeProperty("document"))
                        .to("kafka:" + work.refused() + producer);
                from("kafka:" + Work.setting("INBOX") + consumer)
                        .setProperty("document", body())
                        .convertBodyTo(Document.class)
                        .to("validator:file:" + Work.setting("XSD"))
                        .setProperty("topics", method(new Choice(work, producer)))
                        .setBody(exchangeProperty("document"))
                        .recipientList(exchangeProperty("topics"));
            }
        });
        main.run();
    }

    /** Reads a valid document, and names where its copies go. */
    public static final class Choice {
        private final Work work;
        private final String producer;

        Choice(Work work, String producer) {
            this.work = work;
            this.producer = producer;
        }

        public List<String> choose(Exchange exchange) {
            Document document = exchange.getMessage().getBody(Document.class);
            SortedSet<String> topics = work.begin();
            NodeList items = document.getDocumentElement().getElementsByTagNameNS(NAMESPACE, "GoodsItem");
            for (int number = 0; number < items.getLength(); number++) {
                Element item = (Element) items.item(number);
                work.add(topics, text(item, "TariffClassificationID"), text(item, "StatisticalCode"));
            }
            return topics.stream().map(topic -> "kafka:" + topic + producer).toList();
        }

        private static String text(Element item, String name) {
            NodeList found = item.getElementsByTagNameNS(NAMESPACE, name);
            return found.getLength() == 0 ? "" : found.item(0).getTextContent();
        }
    }
}
