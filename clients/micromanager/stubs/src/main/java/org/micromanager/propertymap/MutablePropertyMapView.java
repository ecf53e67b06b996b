package org.micromanager.propertymap;

/** Settings of one owner in a profile. */
public interface MutablePropertyMapView {
    String getString(String key, String otherwise);

    int getInteger(String key, int otherwise);

    MutablePropertyMapView putString(String key, String value);

    MutablePropertyMapView putInteger(String key, Integer value);
}
