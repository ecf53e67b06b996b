package blinkd.stream;

/** Where the daemon takes frames: {@code tcp://HOST:PORT}. */
public final class Endpoint {
    public static final String DEFAULT = "tcp://127.0.0.1:5766";
    private static final String SCHEME = "tcp://";
    private static final int PORT_MAX = 65_535;

    public final String host;
    public final int port;

    private Endpoint(String host, int port) {
        this.host = host;
        this.port = port;
    }

    /** Throws IllegalArgumentException, with the remedy, for anything else. */
    public static Endpoint parse(String text) {
        String trimmed = text.trim();
        int colon = trimmed.lastIndexOf(':');
        if (!trimmed.startsWith(SCHEME) || colon <= SCHEME.length()) {
            throw new IllegalArgumentException(
                    "endpoint '" + text + "': write tcp://HOST:PORT, as a rule " + DEFAULT);
        }
        String host = trimmed.substring(SCHEME.length(), colon).replace("[", "").replace("]", "");
        String digits = trimmed.substring(colon + 1);
        int port = digits.matches("\\d{1,5}") ? Integer.parseInt(digits) : 0;
        if (port < 1 || port > PORT_MAX) {
            throw new IllegalArgumentException("endpoint '" + text + "': the port is a number from 1 to " + PORT_MAX
                    + ", as a rule 5766");
        }
        return new Endpoint(host, port);
    }

    @Override
    public String toString() {
        return SCHEME + (host.indexOf(':') < 0 ? host : "[" + host + "]") + ":" + port;
    }
}
