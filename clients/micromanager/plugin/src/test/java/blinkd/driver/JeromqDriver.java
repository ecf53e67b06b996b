package blinkd.driver;

import blinkd.stream.Counts;
import blinkd.stream.EndReason;
import blinkd.stream.EnvelopeWriter;
import blinkd.stream.FrameHeader;
import blinkd.stream.SeriesStart;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.Random;
import org.zeromq.SocketType;
import org.zeromq.ZContext;
import org.zeromq.ZMQ;

/**
 * Sends one burst with the JeroMQ that Micro-Manager ships, for scripts that would rather use that.
 *
 * <p>In: arguments ENDPOINT FRAMES SIDE_PX. Out: our messages in JeroMQ's frames. Never: part of the plugin.
 */
public final class JeromqDriver {
    private JeromqDriver() {}

    public static void main(String[] arguments) {
        int frames = Integer.parseInt(arguments[1]);
        int sidePx = Integer.parseInt(arguments[2]);
        byte[] id = "jeromq-burst-one".getBytes(StandardCharsets.US_ASCII);
        Random random = new Random(5);
        try (ZContext context = new ZContext()) {
            context.setLinger(-1); // its default of 0 throws away what is on its way
            ZMQ.Socket push = context.createSocket(SocketType.PUSH);
            push.connect(arguments[0]);
            SeriesStart start = new SeriesStart();
            start.seriesId = id;
            start.name = "jeromq";
            start.source = "JeroMQ";
            start.expectedFrames = frames;
            push.send(EnvelopeWriter.seriesStart(start), 0);
            for (int seq = 0; seq < frames; seq++) {
                push.send(EnvelopeWriter.frame(header(id, seq, sidePx)), ZMQ.SNDMORE);
                push.send(pixels(random, sidePx), 0);
            }
            push.send(
                    EnvelopeWriter.seriesEnd(id, EndReason.COMPLETED, new Counts(frames, frames, 0, 0), frames - 1), 0);
        }
    }

    private static FrameHeader header(byte[] id, int seq, int sidePx) {
        FrameHeader header = new FrameHeader();
        header.seriesId = id;
        header.seq = seq;
        header.frameInTile = seq;
        header.widthPx = sidePx;
        header.heightPx = sidePx;
        header.pixelType = FrameHeader.PixelType.U16;
        header.camera = "Camera";
        header.exposureMs = 10;
        return header;
    }

    private static byte[] pixels(Random random, int sidePx) {
        ByteBuffer pixels = ByteBuffer.allocate(2 * sidePx * sidePx).order(ByteOrder.LITTLE_ENDIAN);
        while (pixels.hasRemaining()) {
            pixels.putShort((short) (100 + random.nextInt(50)));
        }
        return pixels.array();
    }
}
