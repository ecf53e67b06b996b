package blinkd.studio;

import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.atomic.AtomicInteger;
import mmcorej.CMMCore;
import org.micromanager.LogManager;
import org.micromanager.Studio;
import org.micromanager.UserProfile;
import org.micromanager.data.DataManager;
import org.micromanager.propertymap.MutablePropertyMapView;

/** A Studio with a log, a profile in memory, and no core. */
public final class FakeStudio implements Studio, LogManager, UserProfile, DataManager {
    /** Every line of the log; errors begin with "error: ". */
    public final List<String> log = new CopyOnWriteArrayList<>();

    public final AtomicInteger pipelineChanges = new AtomicInteger();
    private final Map<Class<?>, FakeSettings> profile = new HashMap<>();

    @Override
    public LogManager logs() {
        return this;
    }

    @Override
    public CMMCore core() {
        return null; // the real one is native code
    }

    @Override
    public UserProfile profile() {
        return this;
    }

    @Override
    public DataManager data() {
        return this;
    }

    @Override
    public void notifyPipelineChanged() {
        pipelineChanges.incrementAndGet();
    }

    @Override
    public void logMessage(String message) {
        log.add(message);
    }

    @Override
    public void logError(Exception error, String message) {
        log.add("error: " + message + ": " + error);
    }

    @Override
    public void logError(String message) {
        log.add("error: " + message);
    }

    @Override
    public MutablePropertyMapView getSettings(Class<?> owner) {
        return profile.computeIfAbsent(owner, any -> new FakeSettings());
    }

    private static final class FakeSettings implements MutablePropertyMapView {
        private final Map<String, Object> values = new HashMap<>();

        @Override
        public String getString(String key, String otherwise) {
            return (String) values.getOrDefault(key, otherwise);
        }

        @Override
        public int getInteger(String key, int otherwise) {
            return (Integer) values.getOrDefault(key, otherwise);
        }

        @Override
        public MutablePropertyMapView putString(String key, String value) {
            values.put(key, value);
            return this;
        }

        @Override
        public MutablePropertyMapView putInteger(String key, Integer value) {
            values.put(key, value);
            return this;
        }
    }
}
