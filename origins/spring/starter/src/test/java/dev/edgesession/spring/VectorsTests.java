package dev.edgesession.spring;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Clock;
import java.time.Instant;
import java.time.ZoneOffset;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.stream.Stream;
import java.util.stream.StreamSupport;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.edgesession.spring.AssertionVerifier.InvalidAssertionException;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.junit.jupiter.params.provider.Arguments.arguments;

/** The shared vectors, which the Rust core makes and judges too. */
class VectorsTests {

	private static final int LIMIT = 2048;

	private static final Set<String> NOT_THE_OPERATIONS = Set.of("iss", "aud", "iat", "exp", "req");

	private static final JsonNode vectors = read();

	private static final String issuer = vectors.get("issuer").asText();

	private static final String audience = vectors.get("audience").asText();

	private static final SigningKeys keys = SigningKeys.parse(vectors.get("keys").asText());

	private static JsonNode read() {
		try {
			return Json.read(Files.readAllBytes(Path.of("../../../tests/vectors/vectors.json")));
		}
		catch (IOException ex) {
			throw new IllegalStateException("tests/vectors/vectors.json could not be read", ex);
		}
	}

	private static Stream<Arguments> list(String name) {
		return StreamSupport.stream(vectors.get(name).spliterator(), false).map((one) -> arguments(one.get("name").asText(), one));
	}

	static Stream<Arguments> assertions() {
		return list("assertions");
	}

	static Stream<Arguments> data() {
		return list("data");
	}

	static Stream<Arguments> changes() {
		return list("changes");
	}

	/** Those that the kit could have signed: accepted, with a header as it writes it. */
	static Stream<Arguments> controls() {
		return Stream.concat(list("controls"), list("out_of_band")).filter((one) -> {
			JsonNode control = (JsonNode) one.get()[1];
			return control.get("accept").asBoolean() && List.of("alg", "typ", "kid").equals(names(text(control.get("header").asText())));
		});
	}

	private static List<String> names(JsonNode object) {
		List<String> names = new ArrayList<>();
		object.fieldNames().forEachRemaining(names::add);
		return names;
	}

	private static JsonNode text(String json) {
		try {
			return Json.read(json);
		}
		catch (IOException ex) {
			throw new IllegalStateException(ex);
		}
	}

	@ParameterizedTest(name = "{0}")
	@MethodSource("assertions")
	void exactlyTheAssertionsThatTheCoreAcceptsAreAccepted(String name, JsonNode one) throws Exception {
		Clock clock = Clock.fixed(Instant.ofEpochSecond(one.get("now").asLong()), ZoneOffset.UTC);
		AssertionVerifier verifier = new AssertionVerifier(issuer, audience, keys, clock);
		if (one.get("accept").asBoolean()) {
			assertThat(Json.canonical(verifier.verify(one.get("token").asText()).json())).isEqualTo(Json.canonical(one.get("claims")));
		}
		else {
			assertThatExceptionOfType(InvalidAssertionException.class).isThrownBy(() -> verifier.verify(one.get("token").asText()))
				.withMessageNotContaining("eyJ");
		}
	}

	@ParameterizedTest(name = "{0}")
	@MethodSource("controls")
	void signedControlsAreTheCoresByteForByte(String name, JsonNode one) {
		SigningKeys.Key key = keys.find(text(one.get("header").asText()).get("kid").asText());
		assertThat(MessageSigner.sign(key, one.get("header").asText(), one.get("payload").asText())).isEqualTo(one.get("token").asText());
	}

	@Test
	void aControlOfOursIsTheCores() {
		JsonNode one = list("controls").filter((control) -> control.get()[0].equals("create, a user")).findFirst().map((found) -> (JsonNode) found.get()[1]).orElseThrow();
		ObjectNode payload = (ObjectNode) text(one.get("payload").asText());
		ObjectNode operation = payload.deepCopy().remove(NOT_THE_OPERATIONS);
		Instant issued = Instant.ofEpochSecond(payload.get("iat").asLong());
		assertThat(new MessageSigner(issuer, audience, keys).sign("req", one.get("req").asText(), operation, issued)).isEqualTo(one.get("token").asText());
	}

	@ParameterizedTest(name = "{0}")
	@MethodSource("data")
	void dataThatTheCoreRefusesIsRefusedBeforeItIsSent(String name, JsonNode one) {
		JsonNode value = text(one.get("json").asText());
		if (one.get("accept").asBoolean()) {
			int bytes = one.get("bytes").asInt();
			SessionData.check(value, bytes);
			assertThat(SessionData.size(value)).isEqualTo(bytes);
			assertThatExceptionOfType(SessionDataException.class).isThrownBy(() -> SessionData.check(value, bytes - 1));
		}
		else {
			assertThatExceptionOfType(SessionDataException.class).isThrownBy(() -> SessionData.check(value, LIMIT));
		}
	}

	@ParameterizedTest(name = "{0}")
	@MethodSource("changes")
	void changesAreTheCores(String name, JsonNode one) {
		ObjectNode change = SessionData.difference((ObjectNode) one.get("before"), (ObjectNode) one.get("after"));
		assertThat(Json.canonical(change.path("set").isMissingNode() ? Json.object() : change.get("set"))).isEqualTo(Json.canonical(one.get("set")));
		List<String> unset = new ArrayList<>();
		change.path("unset").forEach((removed) -> unset.add(removed.asText()));
		assertThat(unset).containsExactlyInAnyOrderElementsOf(StreamSupport.stream(one.get("unset").spliterator(), false).map(JsonNode::asText).toList());
	}

}
