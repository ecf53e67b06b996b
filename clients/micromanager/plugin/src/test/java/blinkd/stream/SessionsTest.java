package blinkd.stream;

import static blinkd.stream.Conformance.bytes;
import static blinkd.stream.Conformance.hex;
import static org.junit.jupiter.api.Assertions.assertEquals;

import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.TestFactory;

/** The recordings of clients/conformance/sessions.json make the messages that they should. */
class SessionsTest {
    @TestFactory
    Stream<DynamicTest> theCallsOfASessionMakeItsMessages() {
        return Conformance.sessions().stream().map(session -> DynamicTest.dynamicTest(
                session.get("name").getAsString(), () -> assertEquals(golden(session), made(session))));
    }

    /** Each message as the part 0 that our writer makes of it, and part 1. */
    private static List<String> golden(JsonObject session) {
        List<String> messages = new ArrayList<>();
        for (JsonElement element : session.getAsJsonArray("messages")) {
            JsonObject message = element.getAsJsonObject();
            byte[] part1 = bytes(message, "part1_hex");
            Envelope envelope = Receiver.read(bytes(message, "part0_hex"), part1);
            messages.add(envelope.kind() + " " + hex(envelope.write()) + " " + (part1 == null ? "-" : hex(part1)));
        }
        return messages;
    }

    private static List<String> made(JsonObject session) throws InterruptedException {
        Played played = new Played();
        for (JsonElement call : session.getAsJsonArray("calls")) {
            played.call(call.getAsJsonObject());
        }
        return played.messages;
    }

    /** Plays calls; the queue is emptied before a frame that is taken, and shut for one that is not. */
    private static final class Played {
        final List<String> messages = new ArrayList<>();
        private final Outbox outbox = new Outbox(1, FrameStream.QUEUE_BYTES_MAX);
        private final Pixels pixels = new Pixels();
        private SeriesPublisher publisher;

        void call(JsonObject call) throws InterruptedException {
            switch (call.get("call").getAsString()) {
                case "start":
                    SeriesStart start = Conformance.series(call.getAsJsonObject("series"));
                    publisher = new SeriesPublisher(outbox, start, true, () -> {});
                    publisher.begin();
                    break;
                case "begin_tile":
                    publisher.beginTile(new Tile(
                            call.get("index").getAsInt(),
                            call.get("row").getAsInt(),
                            call.get("column").getAsInt(),
                            call.get("frames").getAsInt()));
                    break;
                case "frame":
                    frame(call);
                    break;
                default:
                    publisher.end(Conformance.named(EndReason.class, call.get("reason")));
            }
            drain();
        }

        private void frame(JsonObject call) {
            boolean taken = call.get("taken").getAsBoolean();
            outbox.limit(taken ? 1 : 0);
            FrameHeader header = Conformance.frame(call);
            header.camera = call.get("camera").getAsString();
            assertEquals(taken, publisher.frame(header, Conformance.pixels(call)));
        }

        private void drain() throws InterruptedException {
            for (Item item = outbox.head(0); item != null; item = outbox.head(0)) {
                byte[] part1 = null;
                if (item.isFrame()) {
                    java.nio.ByteBuffer little = pixels.littleEndian(item.pixels);
                    part1 = new byte[little.remaining()];
                    little.get(part1);
                }
                byte[] part0 = item.part0.apply(0);
                Envelope envelope = Receiver.read(part0, part1);
                messages.add(envelope.kind() + " " + hex(part0) + " " + (part1 == null ? "-" : hex(part1)));
                outbox.sent(item);
            }
        }
    }
}
