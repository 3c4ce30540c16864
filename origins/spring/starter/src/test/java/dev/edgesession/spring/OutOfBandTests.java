package dev.edgesession.spring;

import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.net.URI;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.Set;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import com.nimbusds.jose.JWSObject;
import com.nimbusds.jose.crypto.MACVerifier;
import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.junit.jupiter.api.Assertions.assertTimeoutPreemptively;

/** What goes to the gate by itself. The gate is a small server of ours. */
class OutOfBandTests {

	private static final SigningKeys keys = SigningKeys.parse("k1:" + "QUJD".repeat(11));

	private record Answer(int status, String body) {

	}

	private final List<String> told = new ArrayList<>();

	private final Deque<Answer> answers = new ArrayDeque<>();

	private HttpServer gate;

	private ControlClient client;

	private EdgeSessions sessions;

	@BeforeEach
	void startTheGate() throws IOException {
		this.gate = HttpServer.create(new InetSocketAddress("127.0.0.1", 0), 0);
		this.gate.createContext("/.edge-session/control", this::answer);
		this.gate.start();
		this.client = client("http://127.0.0.1:" + this.gate.getAddress().getPort() + "/.edge-session/control");
		this.sessions = new EdgeSessions(this.client, new RequestSessions.Gate());
	}

	@AfterEach
	void stopTheGate() {
		this.gate.stop(0);
	}

	private static ControlClient client(String url) {
		return client(url, Duration.ofSeconds(30));
	}

	private static ControlClient client(String url, Duration timeout) {
		Settings settings = new Settings("https://shop.example", "origin", keys, Set.of(), true, 2048, URI.create(url), timeout, "remember-me", Duration.ofMinutes(30));
		return new ControlClient(settings, new MessageSigner(settings.issuer(), settings.audience(), keys), Instant::now);
	}

	private void answer(HttpExchange exchange) throws IOException {
		this.told.add(new String(exchange.getRequestBody().readAllBytes()));
		Answer answer = this.answers.isEmpty() ? new Answer(204, null) : this.answers.pop();
		if (answer.status == 302) {
			exchange.getResponseHeaders().add("Location", "/elsewhere");
		}
		byte[] body = (answer.body != null) ? answer.body.getBytes() : new byte[0];
		exchange.sendResponseHeaders(answer.status, (body.length == 0) ? -1 : body.length);
		exchange.getResponseBody().write(body);
		exchange.close();
	}

	/** The last message, verified. */
	private JsonNode message() throws Exception {
		JWSObject jws = JWSObject.parse(this.told.get(this.told.size() - 1));
		assertThat(jws.verify(new MACVerifier(keys.newest().bytes()))).isTrue();
		return Json.read(jws.getPayload().toBytes());
	}

	@Test
	void allSessionsOfAUserAreEnded() throws Exception {
		this.sessions.endSessions("user-17");
		JsonNode message = message();
		assertThat(message.get("op").textValue()).isEqualTo("destroy_all");
		assertThat(message.get("sub").textValue()).isEqualTo("user-17");
		assertThat(message.get("jti").textValue()).isNotEmpty();
		assertThat(message.has("req")).isFalse();
		assertThat(message.get("exp").longValue() - message.get("iat").longValue()).isBetween(1L, 60L);
	}

	@Test
	void oneSessionIsEndedOrWasNotThere() throws Exception {
		this.answers.add(new Answer(204, null));
		this.answers.add(new Answer(404, "{\"code\":\"not_found\"}"));
		assertThat(this.sessions.endSession("user-17", "sid")).isTrue();
		assertThat(message().get("sid").textValue()).isEqualTo("sid");
		assertThat(this.sessions.endSession("user-17", "sid")).isFalse();
		assertThat(this.told).hasSize(2);
	}

	@Test
	void sessionsAreListedWithTheirDeadlines() {
		this.answers.add(new Answer(200, "{\"sessions\":[{\"sid\":\"s\",\"created\":1,\"idle\":60,\"absolute\":120}]}"));
		assertThat(this.sessions.listSessions("user-17"))
			.containsExactly(new SessionInfo("s", Instant.ofEpochSecond(1), Instant.ofEpochSecond(60), Instant.ofEpochSecond(120)));
	}

	@Test
	void aGateInTroubleIsToldTheSameMessageAgain() {
		this.answers.add(new Answer(503, "{\"code\":\"store_unavailable\"}"));
		this.answers.add(new Answer(502, null));
		this.sessions.endSessions("user-17");
		assertThat(this.told).hasSize(3);
		assertThat(Set.copyOf(this.told)).hasSize(1);
	}

	@Test
	void aSessionThatIsOnlyBeingMadeIsAskedForAnew() {
		ObjectNode update = Json.object().put("op", "update").put("sid", "s");
		this.answers.add(new Answer(404, "{\"code\":\"not_found\"}"));
		this.client.send(update, true);
		assertThat(Set.copyOf(this.told)).hasSize(2);
		this.answers.add(new Answer(404, "{\"code\":\"not_found\"}"));
		assertThatExceptionOfType(ControlRefusedException.class).isThrownBy(() -> this.client.send(update, false));
	}

	@Test
	void whatTheGateRefusesIsAnErrorWithItsCodeAndIsNotRepeated() {
		for (int status : new int[] { 400, 403, 302 }) {
			this.told.clear();
			this.answers.add(new Answer(status, "{\"code\":\"control_invalid\"}"));
			assertThatExceptionOfType(ControlRefusedException.class).isThrownBy(() -> this.sessions.endSessions("user-17"))
				.withMessageContaining("control_invalid")
				.matches((ex) -> ex.getStatus() == status);
			assertThat(this.told).hasSize(1);
		}
	}

	@Test
	void anAnswerThatStopsHalfWayIsNotAwaitedForever() throws IOException {
		try (ServerSocket silent = new ServerSocket(0, 50, InetAddress.getLoopbackAddress())) {
			Thread thread = new Thread(() -> {
				List<Socket> open = new ArrayList<>();
				try {
					while (true) {
						Socket socket = silent.accept();
						open.add(socket);
						socket.getOutputStream().write("HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\n{".getBytes());
					}
				}
				catch (IOException ex) {
					// closed: the test is over
				}
			});
			thread.setDaemon(true);
			thread.start();
			EdgeSessions asking = new EdgeSessions(client("http://127.0.0.1:" + silent.getLocalPort() + "/", Duration.ofMillis(100)), new RequestSessions.Gate());
			assertTimeoutPreemptively(Duration.ofSeconds(20), () -> assertThatExceptionOfType(ControlRefusedException.class)
				.isThrownBy(() -> asking.listSessions("user-17"))
				.matches((ex) -> ex.getStatus() == 0));
		}
	}

	@Test
	void noGateIsAnError() {
		assertThatExceptionOfType(ControlRefusedException.class)
			.isThrownBy(() -> new EdgeSessions(client("http://127.0.0.1:1/"), new RequestSessions.Gate()).endSessions("user-17"))
			.matches((ex) -> ex.getStatus() == 0);
	}

	@Test
	void aMessageOverEightKibibytesIsNotSent() {
		ObjectNode update = Json.object().put("op", "update").put("sid", "x".repeat(7000));
		assertThatExceptionOfType(SessionDataException.class).isThrownBy(() -> this.client.send(update, false));
		assertThat(this.told).isEmpty();
	}

}
