/**
 * A Studio made of nothing, for tests: the stubs' interfaces with plain values behind them.
 *
 * <p>In: values that a test sets. Out: what a plugin asks for. Never: a native core, a window, part of the jar.
 */
package blinkd.studio;
