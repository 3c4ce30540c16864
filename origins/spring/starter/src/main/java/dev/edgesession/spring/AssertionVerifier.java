package dev.edgesession.spring;

import java.text.ParseException;
import java.time.Clock;
import java.util.Date;
import java.util.Set;
import java.util.regex.Pattern;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.nimbusds.jose.JOSEException;
import com.nimbusds.jose.JWSAlgorithm;
import com.nimbusds.jose.crypto.MACVerifier;
import com.nimbusds.jose.proc.BadJOSEException;
import com.nimbusds.jose.proc.SecurityContext;
import com.nimbusds.jwt.JWTClaimsSet;
import com.nimbusds.jwt.SignedJWT;
import com.nimbusds.jwt.proc.DefaultJWTClaimsVerifier;

/**
 * Verifies Edge-Session-Assertion with Nimbus. The algorithm is pinned, and nothing of a
 * message is believed before its signature has verified. The claims are read from the
 * signed bytes and not from Nimbus, which turns all integers into Long.
 */
final class AssertionVerifier {

	static final String TYPE = "edge-session-assertion+jwt";

	/** Seconds that the two clocks may differ. */
	static final int LEEWAY = 60;

	private static final int LONGEST = 64 * 1024;

	// Nimbus skips characters that are no base64url: the form is checked first.
	private static final Pattern FORM = Pattern.compile("[A-Za-z0-9_-]+\\.[A-Za-z0-9_-]+\\.[A-Za-z0-9_-]{43}");

	/** Why a request is refused. The message is for the log and holds nothing of the assertion. */
	static final class InvalidAssertionException extends Exception {

		InvalidAssertionException(String message) {
			super(message);
		}

	}

	private final String issuer;

	private final String audience;

	private final SigningKeys keys;

	private final Clock clock;

	private final DefaultJWTClaimsVerifier<SecurityContext> claimsVerifier;

	AssertionVerifier(String issuer, String audience, SigningKeys keys, Clock clock) {
		this.issuer = issuer;
		this.audience = audience;
		this.keys = keys;
		this.clock = clock;
		this.claimsVerifier = new DefaultJWTClaimsVerifier<>(audience, new JWTClaimsSet.Builder().issuer(issuer).build(),
				Set.of("iss", "aud", "iat", "exp", "jti")) {

			@Override
			protected Date currentTime() {
				return Date.from(AssertionVerifier.this.clock.instant());
			}

		};
		this.claimsVerifier.setMaxClockSkew(LEEWAY);
	}

	EdgeClaims verify(String token) throws InvalidAssertionException {
		if (token == null || token.isEmpty()) {
			throw new InvalidAssertionException("there is no assertion");
		}
		if (token.length() > LONGEST || !FORM.matcher(token).matches()) {
			throw new InvalidAssertionException("the assertion is no compact JWS");
		}
		try {
			SignedJWT jwt = SignedJWT.parse(token);
			var header = jwt.getHeader();
			if (!JWSAlgorithm.HS256.equals(header.getAlgorithm()) || header.getType() == null || !TYPE.equals(header.getType().getType())
					|| !header.toJSONObject().keySet().equals(Set.of("alg", "typ", "kid"))) {
				throw new InvalidAssertionException("the assertion's header is not alg HS256, typ and kid");
			}
			SigningKeys.Key key = this.keys.find(header.getKeyID());
			if (key == null) {
				throw new InvalidAssertionException("the assertion names a key that is not in edge-session.keys");
			}
			if (!jwt.verify(new MACVerifier(key.bytes()))) {
				throw new InvalidAssertionException("the assertion's signature is wrong");
			}
			this.claimsVerifier.verify(jwt.getJWTClaimsSet(), null);
			return check(Json.read(jwt.getPayload().toBytes()));
		}
		catch (ParseException | JOSEException | BadJOSEException | JsonProcessingException | RuntimeException ex) {
			throw new InvalidAssertionException("the assertion does not verify: " + reason(ex));
		}
	}

	// Parsers quote what they can't read, and that is not for the log.
	private static String reason(Exception ex) {
		return (ex instanceof BadJOSEException) ? ex.getMessage() : ex.getClass().getSimpleName();
	}

	private EdgeClaims check(JsonNode claims) throws InvalidAssertionException {
		if (!textIs(claims, "iss", this.issuer) || !textIs(claims, "aud", this.audience)) {
			throw new InvalidAssertionException("the assertion's iss or aud is another");
		}
		if (!claims.path("iat").isIntegralNumber() || !claims.path("exp").isIntegralNumber() || isNoText(claims.path("jti"))) {
			throw new InvalidAssertionException("the assertion's iat, exp or jti is of another type");
		}
		if (claims.path("iat").longValue() > this.clock.instant().getEpochSecond() + LEEWAY) {
			throw new InvalidAssertionException("the assertion was issued in the future: the clocks differ by over 60 s");
		}
		for (String name : new String[] { "sid", "sub" }) {
			if (claims.has(name) && isNoText(claims.get(name))) {
				throw new InvalidAssertionException("the assertion's " + name + " is no text");
			}
		}
		if (claims.has("sub") && !claims.has("sid") || claims.has("sid") != claims.has("data")
				|| claims.has("data") && !claims.get("data").isObject()) {
			throw new InvalidAssertionException("the assertion's session is incomplete");
		}
		return new EdgeClaims(claims);
	}

	private static boolean textIs(JsonNode claims, String name, String expected) {
		return claims.path(name).isTextual() && claims.path(name).textValue().equals(expected);
	}

	private static boolean isNoText(JsonNode value) {
		return !value.isTextual() || value.textValue().isEmpty();
	}

}
