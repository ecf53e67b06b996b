package blinkd.stream;

import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;

/** A log in memory. */
final class MemoryLog implements Log {
    final List<String> lines = new CopyOnWriteArrayList<>();

    @Override
    public void say(String message) {
        lines.add(message);
    }

    @Override
    public void trouble(String message, Throwable cause) {
        lines.add("error: " + message);
    }

    long count(String part) {
        return lines.stream().filter(line -> line.contains(part)).count();
    }
}
