package blinkd.micromanager;

import blinkd.stream.Log;
import org.micromanager.LogManager;

/** Into Micro-Manager's log file, with our name in front. Never: a dialog, an exception. */
final class StudioLog implements Log {
    private static final String PREFIX = "blinkd: ";

    private final LogManager logs;

    StudioLog(LogManager logs) {
        this.logs = logs;
    }

    @Override
    public void say(String message) {
        quietly(() -> logs.logMessage(PREFIX + message));
    }

    @Override
    public void trouble(String message, Throwable cause) {
        quietly(() -> {
            if (cause == null) {
                logs.logError(PREFIX + message);
            } else {
                logs.logError(cause instanceof Exception ? (Exception) cause : new Exception(cause), PREFIX + message);
            }
        });
    }

    private static void quietly(Runnable line) {
        try {
            line.run();
        } catch (RuntimeException | LinkageError noLog) {
            // A log that fails must not stop what it tells of; the status line shows the same.
        }
    }
}
