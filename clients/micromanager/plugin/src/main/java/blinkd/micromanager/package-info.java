/**
 * The Micro-Manager 2 plugin: an on-the-fly processor that passes each image on and shows it to a blinkd daemon.
 *
 * <p>The path: {@link blinkd.micromanager.FrameTap} passes an image on, then gives it to its {@link
 * blinkd.micromanager.Recording}, which makes a header of its metadata and offers both to {@link blinkd.stream}. What a
 * person sees and sets is {@link blinkd.micromanager.BlinkdConfigurator} and, in Swing, {@link
 * blinkd.micromanager.SettingsWindow}.
 */
package blinkd.micromanager;
