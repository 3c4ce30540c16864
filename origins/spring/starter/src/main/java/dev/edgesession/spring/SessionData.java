package dev.edgesession.spring;

import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Map;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;

/**
 * What a session may hold, and how two states of it differ. Whatever passes here the gate
 * takes and gives back as it was.
 */
final class SessionData {

	private static final int DEEPEST = 16;

	private static final String FORBIDDEN = "__proto__";

	private SessionData() {
	}

	/** Throws where the gate would refuse this data. */
	static void check(JsonNode data, int limit) {
		if (!data.isObject()) {
			throw new SessionDataException("session data is no object");
		}
		walk(data, DEEPEST, "session");
		int size = size(data);
		if (size > limit) {
			List<String> names = new ArrayList<>();
			data.fieldNames().forEachRemaining(names::add);
			names.sort(Comparator.comparingInt((name) -> -size(data.get(name))));
			List<String> largest = names.stream().limit(3).map((name) -> name + " (" + size(data.get(name)) + ")").toList();
			throw new SessionDataException("the session's data is " + size + " bytes of JSON, more than " + limit
					+ "; the largest attributes: " + String.join(", ", largest));
		}
	}

	/** Bytes, as the gate counts them. */
	static int size(JsonNode value) {
		return Json.text(value).getBytes(StandardCharsets.UTF_8).length;
	}

	static void checkSubject(String subject) {
		if (subject != null && (subject.isEmpty() || subject.codePointCount(0, subject.length()) > 255
				|| subject.codePoints().anyMatch((one) -> Character.getType(one) == Character.CONTROL))) {
			throw new SessionDataException("the subject has to be 1 to 255 characters without control characters");
		}
		if (subject != null) {
			checkText(subject, "the subject");
		}
	}

	/** The members `set` and `unset` that lead from one object to the other, empty ones left out. */
	static ObjectNode difference(ObjectNode before, ObjectNode after) {
		ObjectNode set = Json.object();
		after.properties().forEach((one) -> {
			JsonNode old = before.get(one.getKey());
			if (old == null || !Json.canonical(old).equals(Json.canonical(one.getValue()))) {
				set.set(one.getKey(), one.getValue());
			}
		});
		ObjectNode change = Json.object();
		if (!set.isEmpty()) {
			change.set("set", set);
		}
		before.fieldNames().forEachRemaining((name) -> {
			if (!after.has(name)) {
				change.withArrayProperty("unset").add(name);
			}
		});
		return change;
	}

	private static void walk(JsonNode value, int levels, String where) {
		if (value.isContainerNode() && levels == 0) {
			throw new SessionDataException(where + " is more than " + DEEPEST + " levels deep");
		}
		if (value.isObject()) {
			for (Map.Entry<String, JsonNode> member : value.properties()) {
				checkText(member.getKey(), where);
				if (member.getKey().equals(FORBIDDEN)) {
					throw new SessionDataException(where + " has a member named " + FORBIDDEN);
				}
				walk(member.getValue(), levels - 1, where + "." + member.getKey());
			}
		}
		else if (value.isArray()) {
			for (JsonNode item : value) {
				walk(item, levels - 1, where);
			}
		}
		else if (value.isTextual()) {
			checkText(value.textValue(), where);
		}
		else if (value.isIntegralNumber()) {
			boolean negative = value.bigIntegerValue().signum() < 0;
			if (value.bigIntegerValue().bitLength() > (negative ? 63 : 64)) {
				throw new SessionDataException(where + " does not fit 64 bits and would come back as another number");
			}
		}
		else if (value.isNumber() && !Double.isFinite(value.doubleValue())) {
			throw new SessionDataException(where + " is a number that JSON can't hold");
		}
	}

	private static void checkText(String text, String where) {
		text.codePoints().forEach((code) -> {
			if (code >= 0xD800 && code <= 0xDFFF || code >= 0xFDD0 && code <= 0xFDEF || (code & 0xFFFE) == 0xFFFE) {
				throw new SessionDataException(where + " has a character that is none (U+" + Integer.toHexString(code) + ")");
			}
		});
	}

}
