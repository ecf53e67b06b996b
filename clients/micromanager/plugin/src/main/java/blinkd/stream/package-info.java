/**
 * The frame stream of {@code proto/blinkd/v1/frames.proto} on nothing but the JDK.
 *
 * <p>The path: {@link blinkd.stream.SeriesPublisher} numbers a frame and offers it to the {@link
 * blinkd.stream.Outbox}; the one sender thread, {@link blinkd.stream.Link}, takes the head, encodes it ({@link
 * blinkd.stream.EnvelopeWriter}) and hands it to a {@link blinkd.stream.ZmtpPush}. Nothing here knows Micro-Manager.
 */
package blinkd.stream;
