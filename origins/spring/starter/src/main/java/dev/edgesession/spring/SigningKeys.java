package dev.edgesession.spring;

import java.util.ArrayList;
import java.util.Base64;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import java.util.regex.Pattern;

/** The key list that gate and application share: "kid:key,kid:key", newest first. */
final class SigningKeys {

	record Key(String kid, byte[] bytes) {

		@Override
		public String toString() {
			return "Key " + this.kid; // keys do not print
		}

	}

	private static final Pattern ENTRY = Pattern.compile("([A-Za-z0-9._-]{1,32}):([A-Za-z0-9_-]+)");

	private final List<Key> keys;

	private SigningKeys(List<Key> keys) {
		this.keys = keys;
	}

	/** Throws in words that hold no part of a key. */
	static SigningKeys parse(String text) {
		List<Key> keys = new ArrayList<>();
		Set<String> seen = new HashSet<>();
		for (String entry : (text == null ? "" : text).split(",", -1)) {
			var matcher = ENTRY.matcher(entry);
			byte[] bytes = matcher.matches() ? decode(matcher.group(2)) : new byte[0];
			if (bytes.length < 32 || bytes.length > 64) {
				throw new IllegalArgumentException(
						"edge-session.keys has to be the gate's EDGE_SESSION_ORIGIN_KEYS: kid:key,kid:key with keys of 32 to 64 bytes in base64url");
			}
			if (!seen.add(matcher.group(1))) {
				throw new IllegalArgumentException("edge-session.keys has one key id twice");
			}
			keys.add(new Key(matcher.group(1), bytes));
		}
		return new SigningKeys(List.copyOf(keys));
	}

	private static byte[] decode(String text) {
		try {
			return Base64.getUrlDecoder().decode(text);
		}
		catch (IllegalArgumentException ex) {
			return new byte[0];
		}
	}

	/** Whether one is of scripts/dev, which no site but one on its machine should take. */
	boolean hasDevelopment() {
		return this.keys.stream().anyMatch((key) -> key.kid().toLowerCase(Locale.ROOT).startsWith("dev-"));
	}

	Key newest() {
		return this.keys.get(0);
	}

	/** The key of this id, or null. */
	Key find(String kid) {
		return this.keys.stream().filter((key) -> key.kid().equals(kid)).findFirst().orElse(null);
	}

}
