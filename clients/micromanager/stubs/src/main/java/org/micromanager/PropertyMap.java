package org.micromanager;

/** Settings that do not change. */
public interface PropertyMap {
    String getString(String key, String otherwise);

    int getInteger(String key, int otherwise);

    /** Makes one. */
    interface Builder {
        Builder putString(String key, String value);

        Builder putInteger(String key, Integer value);

        PropertyMap build();
    }
}
