package dev.edgesession.spring;

import java.net.URI;
import java.time.Clock;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;

import com.fasterxml.jackson.databind.node.ObjectNode;
import org.junit.jupiter.api.Test;

import org.springframework.mock.web.MockHttpServletRequest;
import org.springframework.mock.web.MockHttpServletResponse;

import static org.assertj.core.api.Assertions.assertThat;

/** The handshake of a WebSocket. The gate takes nothing from the head of a 101, and gives its client a 502 in its place. */
class HandshakeTests {

	private static final SigningKeys KEYS = SigningKeys.parse("k1:" + "QUJD".repeat(11));

	private final Settings settings = new Settings("https://shop.example", "origin", KEYS, Set.of(), true, 2048,
			URI.create("https://shop.example/.edge-session/control"), Duration.ofSeconds(5), "remember-me", Duration.ofMinutes(30));

	private final List<ObjectNode> told = new ArrayList<>();

	private final MockHttpServletResponse head = new MockHttpServletResponse();

	private Exchange handshake(ObjectNode claims) {
		SessionKit kit = new SessionKit(this.settings, new AssertionVerifier(this.settings.issuer(), this.settings.audience(), KEYS, Clock.systemUTC()),
				new MessageSigner(this.settings.issuer(), this.settings.audience(), KEYS), new AttributeCodec(List.of(), List.of()),
				(attributes) -> (String) attributes.apply("user"), (context) -> context, (operation, awaited) -> {
					this.told.add(operation);
					return null;
				});
		MockHttpServletRequest request = new MockHttpServletRequest("GET", "/socket");
		this.head.setStatus(101);
		return new Exchange(new EdgeClaims(claims.put("jti", "j").put("iat", 1_800_000_000)), kit, request, new EdgeResponse(request, this.head, this.settings));
	}

	@Test
	void aChangeGoesOutOfBand() {
		ObjectNode claims = Json.object().put("sid", "s");
		claims.putObject("data").put("a", 1);
		Exchange exchange = handshake(claims);
		exchange.session().setAttribute("seen", 1);
		exchange.flush();
		exchange.flush();
		assertThat(this.told).singleElement().hasToString("{\"op\":\"update\",\"set\":{\"seen\":1},\"sid\":\"s\"}");
		exchange.end();
		exchange.flush();
		assertThat(this.told.get(1)).hasToString("{\"op\":\"destroy\",\"sid\":\"s\"}");
		assertThat(this.head.getHeader(EdgeResponse.CONTROL)).isNull();
		assertThat(this.head.isCommitted()).isFalse();
	}

	@Test
	void noSessionCanBeginThere() {
		Exchange exchange = handshake(Json.object());
		exchange.begin().setAttribute("user", "ann");
		exchange.flush();
		assertThat(this.told).isEmpty();
		assertThat(this.head.getHeader(EdgeResponse.CONTROL)).isNull();
	}

}
