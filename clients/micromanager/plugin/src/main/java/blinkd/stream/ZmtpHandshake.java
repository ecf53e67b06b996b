package blinkd.stream;

import java.io.ByteArrayOutputStream;
import java.net.ProtocolException;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;

/**
 * Greeting and READY of ZMTP 3.0 with the NULL mechanism (RFC 23), as a PUSH socket says and hears them.
 *
 * <p>In: bytes of the peer. Out: our bytes; ProtocolException, with the remedy, for a stranger. Never: a socket.
 */
final class ZmtpHandshake {
    static final int GREETING_BYTES = 64;
    /** A peer's READY with its metadata. */
    static final int COMMAND_MAX_BYTES = 4096;

    static final int MORE = 1;
    static final int LONG = 2;
    static final int COMMAND = 4;

    private static final int MECHANISM_AT = 12;
    private static final int MECHANISM_BYTES = 20;

    private ZmtpHandshake() {}

    static byte[] greeting() {
        byte[] greeting = new byte[GREETING_BYTES];
        greeting[0] = (byte) 0xff;
        greeting[9] = 0x7f;
        greeting[10] = 3;
        byte[] mechanism = ascii("NULL");
        System.arraycopy(mechanism, 0, greeting, MECHANISM_AT, mechanism.length);
        return greeting;
    }

    static void checkGreeting(byte[] greeting) throws ProtocolException {
        if ((greeting[0] & 0xff) != 0xff || (greeting[9] & 1) == 0) {
            throw new ProtocolException("what listens there is not ZeroMQ: name the daemon's frames.endpoint, as a "
                    + "rule " + Endpoint.DEFAULT);
        }
        if (greeting[10] < 3) {
            throw new ProtocolException("what listens there speaks an old ZeroMQ: name the daemon's frames.endpoint");
        }
        byte[] mechanism = Arrays.copyOfRange(greeting, MECHANISM_AT, MECHANISM_AT + MECHANISM_BYTES);
        if (!Arrays.equals(mechanism, Arrays.copyOf(ascii("NULL"), MECHANISM_BYTES))) {
            throw new ProtocolException("what listens there demands a ZeroMQ login, which no blinkd daemon does: name "
                    + "the daemon's frames.endpoint");
        }
    }

    /** READY of a PUSH socket, head and all. */
    static byte[] ready() {
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        byte[] name = ascii("READY");
        byte[] key = ascii("Socket-Type");
        byte[] value = ascii("PUSH");
        out.write(COMMAND);
        out.write(1 + name.length + 1 + key.length + 4 + value.length);
        out.write(name.length);
        out.write(name, 0, name.length);
        out.write(key.length);
        out.write(key, 0, key.length);
        out.write(0);
        out.write(0);
        out.write(0);
        out.write(value.length);
        out.write(value, 0, value.length);
        return out.toByteArray();
    }

    /** The body of the peer's first command: it must be READY of a PULL socket. */
    static void checkReady(byte[] body) throws ProtocolException {
        String text = new String(body, StandardCharsets.ISO_8859_1);
        int nameLength = body.length == 0 ? 0 : body[0] & 0xff;
        String name = text.substring(Math.min(1, text.length()), Math.min(1 + nameLength, text.length()));
        if (!name.equals("READY")) {
            throw new ProtocolException("the daemon refused the connection (" + name + "): look at its log");
        }
        String type = socketType(text.substring(1 + nameLength));
        if (!type.equals("PULL")) {
            throw new ProtocolException("a ZeroMQ socket of type " + type + " listens there, and a blinkd daemon has "
                    + "PULL: name the daemon's frames.endpoint");
        }
    }

    private static String socketType(String properties) {
        String left = properties;
        while (!left.isEmpty()) {
            int keyEnd = 1 + left.charAt(0);
            if (left.length() < keyEnd + 4) {
                break;
            }
            // Lengths that matter here fit one byte; a longer one runs past the end and is no type.
            int valueEnd = keyEnd + 4 + left.charAt(keyEnd + 3);
            if (left.length() < valueEnd) {
                break;
            }
            if (left.substring(1, keyEnd).equalsIgnoreCase("Socket-Type")) {
                return left.substring(keyEnd + 4, valueEnd);
            }
            left = left.substring(valueEnd);
        }
        return "unknown";
    }

    private static byte[] ascii(String text) {
        return text.getBytes(StandardCharsets.US_ASCII);
    }
}
