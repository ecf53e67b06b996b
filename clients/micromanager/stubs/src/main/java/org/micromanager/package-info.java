/**
 * The part of Micro-Manager's Studio API that the plugin calls or implements, so that it can be compiled and driven
 * without a Studio. In: nothing. Out: names and signatures; the few classes do the least that a test needs. Never:
 * part of the plugin's jar, as Micro-Manager brings the real ones.
 */
package org.micromanager;
