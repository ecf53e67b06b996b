package blinkd.stream;

/** Where the stream says what happens to it: when something changes, never for each frame. */
public interface Log {
    void say(String message);

    void trouble(String message, Throwable cause);
}
