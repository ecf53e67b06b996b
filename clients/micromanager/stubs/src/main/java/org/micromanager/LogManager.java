package org.micromanager;

/** The log file; its dialogs are not here, as the plugin shows none. */
public interface LogManager {
    void logMessage(String message);

    void logError(Exception error, String message);

    void logError(String message);
}
