package dev.edgesession.spring;

import java.text.ParseException;
import java.time.Instant;
import java.util.UUID;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import com.nimbusds.jose.JOSEException;
import com.nimbusds.jose.JWSObject;
import com.nimbusds.jose.crypto.MACVerifier;

import org.springframework.context.ApplicationContext;

/** The gate's side of the two messages, for {@link dev.edgesession.spring.testing.EdgeSessionMvc}. */
public final class TestMessages {

	private static final int LIFE = 60;

	private final Settings settings;

	private TestMessages(Settings settings) {
		this.settings = settings;
	}

	/** With the application's own issuer, audience and keys. */
	public static TestMessages of(ApplicationContext context) {
		return new TestMessages(context.getBean(SessionKit.class).settings());
	}

	/** An assertion with these claims over those that every one has. */
	public String assertion(ObjectNode claims) {
		long now = Instant.now().getEpochSecond();
		ObjectNode payload = Json.object()
			.put("iss", this.settings.issuer())
			.put("aud", this.settings.audience())
			.put("iat", now)
			.put("exp", now + LIFE)
			.put("jti", UUID.randomUUID().toString());
		payload.setAll(claims);
		return MessageSigner.sign(this.settings.keys().newest(), AssertionVerifier.TYPE, payload);
	}

	/** The verified payload of a control, or null without one. */
	public ObjectNode control(String message) {
		if (message == null) {
			return null;
		}
		try {
			JWSObject jws = JWSObject.parse(message);
			if (!jws.verify(new MACVerifier(this.settings.keys().find(jws.getHeader().getKeyID()).bytes()))) {
				throw new IllegalStateException("the control's signature is wrong");
			}
			JsonNode payload = Json.read(jws.getPayload().toBytes());
			return (ObjectNode) payload;
		}
		catch (ParseException | JOSEException | JsonProcessingException ex) {
			throw new IllegalStateException("the control can't be read", ex);
		}
	}

}
