package org.micromanager.data;

/** Pixels with what is known of them. */
public interface Image {
    Metadata getMetadata();

    Coords getCoords();

    int getWidth();

    int getHeight();

    int getNumComponents();

    Object getRawPixels();
}
