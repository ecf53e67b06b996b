package blinkd.stream;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.Random;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.zeromq.SocketType;
import org.zeromq.ZContext;
import org.zeromq.ZMQ;

/** Our bytes against another ZeroMQ, and against what is none. */
@Timeout(value = 30, unit = TimeUnit.SECONDS)
class ZmtpPushTest {
    @ParameterizedTest
    @ValueSource(ints = {0, 1, 255, 256, 70_000, 4_194_304})
    void jeromqReadsPartsOfEveryLength(int length) throws IOException {
        byte[] part0 = new byte[Math.min(length, 70_000)];
        byte[] part1 = new byte[length];
        new Random(length).nextBytes(part0);
        new Random(length + 1).nextBytes(part1);
        try (ZContext context = new ZContext()) {
            ZMQ.Socket pull = context.createSocket(SocketType.PULL);
            pull.setReceiveTimeOut(10_000);
            int port = pull.bindToRandomPort("tcp://127.0.0.1");
            try (ZmtpPush push = ZmtpPush.connect(Endpoint.parse("tcp://127.0.0.1:" + port), 5000)) {
                push.send(part0, null, () -> 5000);
                push.send(part0, ByteBuffer.wrap(part1), () -> 5000);
                assertArrayEquals(part0, pull.recv());
                assertArrayEquals(part0, pull.recv());
                assertTrue(pull.hasReceiveMore());
                assertArrayEquals(part1, pull.recv());
                assertTrue(push.isAlive());
            }
        }
    }

    @Test
    void aSocketOfAnotherTypeIsRefusedWithARemedy() {
        try (ZContext context = new ZContext()) {
            int port = context.createSocket(SocketType.PUB).bindToRandomPort("tcp://127.0.0.1");
            IOException refused = assertThrows(IOException.class, () -> connect(port));
            // JeroMQ itself hangs up on a PUSH that meets a PUB, before or after it has said what it is.
            assertTrue(
                    refused.getMessage().contains("type PUB listens there")
                            || refused.getMessage().contains("hung up during ZeroMQ's handshake"),
                    refused.getMessage());
        }
    }

    @Test
    void aWebServerIsRefusedWithARemedy() throws IOException {
        String said = refusal("HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\nConnection: close\r\n\r\n        ");
        assertEquals("what listens there is not ZeroMQ: name the daemon's frames.endpoint, as a rule "
                + Endpoint.DEFAULT, said);
    }

    @Test
    void aServerThatHangsUpIsNamed() throws IOException {
        assertEquals("what listens there hung up during ZeroMQ's handshake", refusal(""));
    }

    @Test
    void aServerThatSaysNothingIsGivenUpInTime() throws IOException {
        try (ServerSocket silent = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
            int port = silent.getLocalPort();
            IOException late = assertThrows(
                    IOException.class, () -> ZmtpPush.connect(Endpoint.parse("tcp://127.0.0.1:" + port), 100));
            assertEquals("nothing that speaks ZeroMQ answered within 100 ms", late.getMessage());
        }
    }

    private static void connect(int port) throws IOException {
        ZmtpPush.connect(Endpoint.parse("tcp://127.0.0.1:" + port), 5000).close();
    }

    private static String refusal(String says) throws IOException {
        try (ServerSocket server = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
            Thread answers = new Thread(() -> {
                try (Socket peer = server.accept()) {
                    peer.getOutputStream().write(says.getBytes(StandardCharsets.US_ASCII));
                    peer.shutdownOutput();
                    // Until the other side has gone, so that it sees an orderly end.
                    while (peer.getInputStream().read() >= 0) {
                        continue;
                    }
                } catch (IOException gone) {
                    // It hung up.
                }
            });
            answers.setDaemon(true);
            answers.start();
            return assertThrows(IOException.class, () -> connect(server.getLocalPort())).getMessage();
        }
    }
}
