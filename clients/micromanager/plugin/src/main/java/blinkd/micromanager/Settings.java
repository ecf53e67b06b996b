package blinkd.micromanager;

import blinkd.stream.Endpoint;
import java.net.URI;
import java.util.ArrayList;
import java.util.List;
import org.micromanager.PropertyMap;
import org.micromanager.PropertyMaps;
import org.micromanager.UserProfile;
import org.micromanager.propertymap.MutablePropertyMapView;

/**
 * What a person sets: where the daemon takes frames, how many may wait, where its live page is.
 *
 * <p>In: a pipeline's settings, and a profile for what they leave open. Out: the same. Never: a socket.
 */
final class Settings {
    static final String PAGE_DEFAULT = "http://127.0.0.1:5767/";
    static final int QUEUE_DEFAULT = 32;
    static final int QUEUE_MAX = 4096;

    private static final String ENDPOINT_KEY = "endpoint";
    private static final String QUEUE_KEY = "queueFrames";
    private static final String PAGE_KEY = "livePage";

    final String endpoint;
    final int queueFrames;
    final String page;

    Settings(String endpoint, int queueFrames, String page) {
        this.endpoint = endpoint.trim();
        this.queueFrames = queueFrames;
        this.page = page.trim();
    }

    static Settings defaults() {
        return new Settings(Endpoint.DEFAULT, QUEUE_DEFAULT, PAGE_DEFAULT);
    }

    static Settings from(PropertyMap map, Settings otherwise) {
        return new Settings(
                map.getString(ENDPOINT_KEY, otherwise.endpoint),
                map.getInteger(QUEUE_KEY, otherwise.queueFrames),
                map.getString(PAGE_KEY, otherwise.page));
    }

    PropertyMap toPropertyMap() {
        return PropertyMaps.builder()
                .putString(ENDPOINT_KEY, endpoint)
                .putInteger(QUEUE_KEY, queueFrames)
                .putString(PAGE_KEY, page)
                .build();
    }

    /** What this user set last. */
    static Settings fromProfile(UserProfile profile) {
        Settings defaults = defaults();
        MutablePropertyMapView kept = profile.getSettings(BlinkdPlugin.class);
        return new Settings(
                kept.getString(ENDPOINT_KEY, defaults.endpoint),
                kept.getInteger(QUEUE_KEY, defaults.queueFrames),
                kept.getString(PAGE_KEY, defaults.page));
    }

    void keepIn(UserProfile profile) {
        profile.getSettings(BlinkdPlugin.class)
                .putString(ENDPOINT_KEY, endpoint)
                .putInteger(QUEUE_KEY, queueFrames)
                .putString(PAGE_KEY, page);
    }

    /** Everything that is wrong, each with its remedy; empty: nothing. */
    List<String> problems() {
        List<String> problems = new ArrayList<>();
        try {
            Endpoint.parse(endpoint);
        } catch (IllegalArgumentException wrong) {
            problems.add(wrong.getMessage());
        }
        if (queueFrames < 1 || queueFrames > QUEUE_MAX) {
            problems.add("queue length " + queueFrames + ": choose 1 to " + QUEUE_MAX + ", as a rule " + QUEUE_DEFAULT);
        }
        if (!isPage()) {
            problems.add("live page '" + page + "': write http://HOST:PORT/, as a rule " + PAGE_DEFAULT);
        }
        return problems;
    }

    private boolean isPage() {
        try {
            URI uri = URI.create(page);
            return ("http".equals(uri.getScheme()) || "https".equals(uri.getScheme())) && uri.getHost() != null;
        } catch (IllegalArgumentException wrong) {
            return false;
        }
    }

    @Override
    public boolean equals(Object other) {
        return other instanceof Settings
                && endpoint.equals(((Settings) other).endpoint)
                && queueFrames == ((Settings) other).queueFrames
                && page.equals(((Settings) other).page);
    }

    @Override
    public int hashCode() {
        return endpoint.hashCode() + 31 * queueFrames + page.hashCode();
    }
}
