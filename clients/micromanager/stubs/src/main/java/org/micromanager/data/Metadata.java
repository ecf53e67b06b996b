package org.micromanager.data;

import java.awt.Rectangle;
import java.awt.geom.AffineTransform;

/** What is known of one image; null is not known. */
public interface Metadata {
    Double getExposureMs();

    Double getPixelSizeUm();

    AffineTransform getPixelSizeAffine();

    Double getXPositionUm();

    Double getYPositionUm();

    Double getZPositionUm();

    Integer getBinning();

    Integer getBitDepth();

    Long getImageNumber();

    Rectangle getROI();

    String getCamera();

    String getReceivedTime();
}
