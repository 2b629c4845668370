import java.util.ArrayList;
import java.util.List;
import java.util.Properties;
import java.util.concurrent.CountDownLatch;
import org.apache.kafka.clients.consumer.ConsumerConfig;
import org.apache.kafka.clients.producer.ProducerConfig;
import org.apache.kafka.common.serialization.Serde;
import org.apache.kafka.common.serialization.Serdes;
import org.apache.kafka.streams.KafkaStreams;
import org.apache.kafka.streams.StreamsBuilder;
import org.apache.kafka.streams.StreamsConfig;
import org.apache.kafka.streams.kstream.Consumed;
import org.apache.kafka.streams.kstream.Produced;

/** Kafka Streams, exactly_once_v2: each declaration is expanded into its copies, which name their topics. */
public final class KafkaStreamsPeer {
    private record Copy(String topic, byte[] document) {
    }

    public static void main(String[] arguments) throws Exception {
        Work work = new Work();
        Properties properties = new Properties();
        properties.put(StreamsConfig.APPLICATION_ID_CONFIG, Work.setting("GROUP"));
        properties.put(StreamsConfig.BOOTSTRAP_SERVERS_CONFIG, Work.setting("BOOTSTRAP"));
        properties.put(StreamsConfig.PROCESSING_GUARANTEE_CONFIG, StreamsConfig.EXACTLY_ONCE_V2);
        properties.put(StreamsConfig.NUM_STREAM_THREADS_CONFIG, Work.setting("THREADS"));
        properties.put(StreamsConfig.STATE_DIR_CONFIG, Work.setting("FOLDER"));
        properties.put(StreamsConfig.REPLICATION_FACTOR_CONFIG, 1);
        properties.put(StreamsConfig.COMMIT_INTERVAL_MS_CONFIG, Work.setting("COMMIT_MS"));
        properties.put(StreamsConfig.producerPrefix(ProducerConfig.COMPRESSION_TYPE_CONFIG), "lz4");
        properties.put(StreamsConfig.producerPrefix(ProducerConfig.LINGER_MS_CONFIG), 50);
        properties.put(StreamsConfig.producerPrefix(ProducerConfig.BATCH_SIZE_CONFIG), 1024 * 1024);
        properties.put(StreamsConfig.producerPrefix(ProducerConfig.MAX_REQUEST_SIZE_CONFIG), 8 * 1024 * 1024);
        properties.put(StreamsConfig.consumerPrefix(ConsumerConfig.AUTO_OFFSET_RESET_CONFIG), "earliest");
        properties.put(StreamsConfig.consumerPrefix(ConsumerConfig.MAX_POLL_RECORDS_CONFIG), Work.setting("BATCH_RECORDS"));

        Serde<byte[]> bytes = Serdes.ByteArray();
        Serde<Copy> copies = Serdes.serdeFrom((topic, copy) -> copy.document(), (topic, document) -> new Copy(topic, document));
        StreamsBuilder builder = new StreamsBuilder();
        builder.stream(Work.setting("INBOX"), Consumed.with(bytes, bytes))
                .flatMapValues(document -> {
                    List<Copy> found = new ArrayList<>();
                    work.route(document).forEach(topic -> found.add(new Copy(topic, document)));
                    return found;
                })
                .to((key, copy, context) -> copy.topic(), Produced.with(bytes, copies));

        KafkaStreams streams = new KafkaStreams(builder.build(), properties);
        CountDownLatch ended = new CountDownLatch(1);
        Runtime.getRuntime().addShutdownHook(new Thread(() -> {
            streams.close();
            ended.countDown();
        }));
        streams.start();
        ended.await();
    }
}
