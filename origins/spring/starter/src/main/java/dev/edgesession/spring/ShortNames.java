package dev.edgesession.spring;

import java.util.Map;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;

/**
 * Class names take most of the room in typed JSON: their usual beginnings are written as
 * two characters. Every text has exactly one other form, and that leads back to it, so
 * nothing needs to be known of where a text stands.
 */
final class ShortNames {

	private static final String MARK = "~";

	/** Longer ones first. No short form is "~~". */
	private static final String[][] BEGINNINGS = { { "org.springframework.security.authentication.", "~a." },
			{ "org.springframework.security.core.", "~c." }, { "org.springframework.security.", "~s." },
			{ "org.springframework.", "~f." }, { "java.util.Collections$", "~k." }, { "java.util.", "~u." },
			{ "java.lang.", "~l." } };

	private ShortNames() {
	}

	static JsonNode shorten(JsonNode value) {
		return map(value, true);
	}

	static JsonNode lengthen(JsonNode value) {
		return map(value, false);
	}

	private static JsonNode map(JsonNode value, boolean shorter) {
		if (value.isObject()) {
			ObjectNode mapped = Json.object();
			for (Map.Entry<String, JsonNode> member : value.properties()) {
				mapped.set(name(member.getKey(), shorter), map(member.getValue(), shorter));
			}
			return mapped;
		}
		if (value.isArray()) {
			ArrayNode mapped = Json.object().arrayNode();
			value.forEach((item) -> mapped.add(map(item, shorter)));
			return mapped;
		}
		if (value.isTextual()) {
			return Json.object().textNode(shorter ? shorten(value.textValue()) : lengthen(value.textValue()));
		}
		return value;
	}

	/** The member that holds a class name; a name of its own that looks like it is escaped as all texts are. */
	private static String name(String name, boolean shorter) {
		if (shorter) {
			return name.equals("@class") ? MARK : shorten(name);
		}
		return name.equals(MARK) ? "@class" : lengthen(name);
	}

	static String shorten(String text) {
		if (text.startsWith(MARK)) {
			return MARK + text;
		}
		for (String[] one : BEGINNINGS) {
			if (text.startsWith(one[0])) {
				return one[1] + text.substring(one[0].length());
			}
		}
		return text;
	}

	static String lengthen(String text) {
		if (text.startsWith(MARK + MARK)) {
			return text.substring(1);
		}
		for (String[] one : BEGINNINGS) {
			if (text.startsWith(one[1])) {
				return one[0] + text.substring(one[1].length());
			}
		}
		return text;
	}

}
