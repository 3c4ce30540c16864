package dev.edgesession.spring;

import java.time.Instant;
import java.util.ArrayList;
import java.util.List;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;

/**
 * What the gate says of a request: who asks, and how long the session lasts.
 * @param json all claims, as the gate signed them
 */
public record EdgeClaims(JsonNode json) {

	/** Nobody, for requests that do not come from the gate. */
	static final EdgeClaims NONE = new EdgeClaims(JsonNodeFactory.instance.objectNode());

	/** The subject, or null. */
	public String subject() {
		return text("sub");
	}

	/** The session's public handle, or null without a session. */
	public String sid() {
		return text("sid");
	}

	/** Names this request; a session that its response begins has it as its ID. */
	public String jti() {
		return text("jti");
	}

	/** The gate's clock, when it forwarded the request. */
	public Instant issuedAt() {
		return time(this.json.path("iat"));
	}

	/** When the user last authenticated, or null. */
	public Instant authTime() {
		return time(this.json.path("auth_time"));
	}

	/** How the user authenticated, as the application said at login. */
	public List<String> amr() {
		List<String> methods = new ArrayList<>();
		this.json.path("amr").forEach((one) -> methods.add(one.asText()));
		return methods;
	}

	/** When the session began, or null. */
	public Instant created() {
		return time(this.json.path("session").path("created"));
	}

	/** When the session ends without activity, or null. */
	public Instant idleDeadline() {
		return time(this.json.path("session").path("idle"));
	}

	/** When the session ends whatever happens, or null. Streams and WebSockets should end then too. */
	public Instant absoluteDeadline() {
		return time(this.json.path("session").path("absolute"));
	}

	/** When the gate's store last confirmed the session, or null. */
	public Instant checked() {
		return time(this.json.path("session").path("checked"));
	}

	ObjectNode data() {
		return (this.json.path("data") instanceof ObjectNode data) ? data : JsonNodeFactory.instance.objectNode();
	}

	private String text(String name) {
		return this.json.path(name).isTextual() ? this.json.path(name).textValue() : null;
	}

	private static Instant time(JsonNode seconds) {
		return seconds.isIntegralNumber() ? Instant.ofEpochSecond(seconds.longValue()) : null;
	}

	@Override
	public String toString() {
		return "EdgeClaims[sid=" + sid() + "]"; // the data is not for logs
	}

}
