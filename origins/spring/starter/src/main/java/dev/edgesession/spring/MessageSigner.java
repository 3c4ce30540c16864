package dev.edgesession.spring;

import java.nio.charset.StandardCharsets;
import java.text.ParseException;
import java.time.Instant;

import com.fasterxml.jackson.databind.node.ObjectNode;
import com.nimbusds.jose.JOSEException;
import com.nimbusds.jose.JWSHeader;
import com.nimbusds.jose.JWSObject;
import com.nimbusds.jose.Payload;
import com.nimbusds.jose.crypto.MACSigner;
import com.nimbusds.jose.util.Base64URL;

/** Signs what the application tells the gate, as compact UTF-8 JSON. */
final class MessageSigner {

	static final String TYPE = "edge-session-control+jwt";

	/** Bytes that the gate takes. */
	static final int LONGEST = 8192;

	private static final int LIFE = 30;

	private final String issuer;

	private final String audience;

	private final SigningKeys keys;

	MessageSigner(String issuer, String audience, SigningKeys keys) {
		this.issuer = issuer;
		this.audience = audience;
		this.keys = keys;
	}

	/**
	 * A control.
	 * @param identity "req" with the jti that it answers, or "jti" with one of its own
	 */
	String sign(String identity, String id, ObjectNode operation, Instant now) {
		ObjectNode payload = Json.object();
		payload.put("iss", this.audience).put("aud", this.issuer).put(identity, id);
		payload.put("iat", now.getEpochSecond()).put("exp", now.getEpochSecond() + LIFE);
		payload.setAll(operation);
		String message = sign(this.keys.newest(), TYPE, payload);
		if (message.length() > LONGEST) {
			throw new SessionDataException("the change of the session makes a message of " + message.length()
					+ " bytes; the gate takes " + LONGEST);
		}
		return message;
	}

	static String sign(SigningKeys.Key key, String type, ObjectNode payload) {
		String header = Json.text(Json.object().put("alg", "HS256").put("typ", type).put("kid", key.kid()));
		return sign(key, header, Json.text(payload));
	}

	/** The compact JWS of a header and a payload, both JSON texts. */
	static String sign(SigningKeys.Key key, String header, String payload) {
		try {
			JWSObject message = new JWSObject(JWSHeader.parse(encode(header)), new Payload(encode(payload)));
			message.sign(new MACSigner(key.bytes()));
			return message.serialize();
		}
		catch (ParseException | JOSEException ex) {
			throw new EdgeSessionException("a message for the gate could not be signed", ex);
		}
	}

	private static Base64URL encode(String text) {
		return Base64URL.encode(text.getBytes(StandardCharsets.UTF_8));
	}

}
