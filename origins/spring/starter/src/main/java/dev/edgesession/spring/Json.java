package dev.edgesession.spring;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.StreamReadFeature;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;

/** JSON as it is, without Java's types. */
final class Json {

	private static final JsonMapper MAPPER = JsonMapper.builder()
		.enable(StreamReadFeature.STRICT_DUPLICATE_DETECTION)
		.enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS)
		.enable(DeserializationFeature.FAIL_ON_READING_DUP_TREE_KEY)
		.build();

	private Json() {
	}

	static ObjectNode object() {
		return MAPPER.createObjectNode();
	}

	static JsonNode read(byte[] text) throws JsonProcessingException {
		try {
			return MAPPER.readTree(text);
		}
		catch (JsonProcessingException ex) {
			throw ex;
		}
		catch (IOException ex) {
			throw new UncheckedIOException(ex);
		}
	}

	/** Half a character stays one, and is not made another. */
	static JsonNode read(String text) throws JsonProcessingException {
		return MAPPER.readTree(text);
	}

	static String text(JsonNode value) {
		try {
			return MAPPER.writeValueAsString(value);
		}
		catch (JsonProcessingException ex) {
			throw new SessionDataException("the session's data is no JSON", ex);
		}
	}

	/** A text that is equal for equal values only: the order of names does not count, 1 and 1.0 are two. */
	static String canonical(JsonNode value) {
		return canonical(value, false);
	}

	/** The same, but the order of lists does not count either: sets have none. */
	static String unordered(JsonNode value) {
		return canonical(value, true);
	}

	private static String canonical(JsonNode value, boolean sorted) {
		if (value.isObject()) {
			Map<String, String> members = new TreeMap<>();
			value.properties().forEach((one) -> members.put(one.getKey(), canonical(one.getValue(), sorted)));
			List<String> texts = new ArrayList<>();
			members.forEach((name, text) -> texts.add(text(MAPPER.getNodeFactory().textNode(name)) + ":" + text));
			return "{" + String.join(",", texts) + "}";
		}
		if (value.isArray()) {
			List<String> texts = new ArrayList<>();
			value.forEach((one) -> texts.add(canonical(one, sorted)));
			if (sorted) {
				Collections.sort(texts);
			}
			return "[" + String.join(",", texts) + "]";
		}
		return text(value);
	}

}
