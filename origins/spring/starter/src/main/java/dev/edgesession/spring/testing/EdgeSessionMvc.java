package dev.edgesession.spring.testing;

import java.util.Iterator;
import java.util.Set;
import java.util.UUID;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.edgesession.spring.TestMessages;

import org.springframework.mock.web.MockHttpServletRequest;
import org.springframework.test.web.servlet.MvcResult;
import org.springframework.test.web.servlet.request.RequestPostProcessor;
import org.springframework.web.context.support.WebApplicationContextUtils;

/**
 * MockMvc requests as the gate forwards them, for tests of what an application tells it:
 * <pre>
 * mvc.perform(get("/account").with(edgeSession().subject("17").claim("data", Map.of("cart", 3))))
 * EdgeSessionMvc.operation(result) // {"op":"update","set":{…}}, or null
 * </pre> Needs spring-test, which is in no packaged application.
 */
public final class EdgeSessionMvc implements RequestPostProcessor {

	private static final Set<String> ENVELOPE = Set.of("iss", "aud", "iat", "exp", "req");

	private static final ObjectMapper mapper = new ObjectMapper();

	private final ObjectNode claims = mapper.createObjectNode();

	private EdgeSessionMvc() {
	}

	/** Of nobody, until something else is said. */
	public static EdgeSessionMvc edgeSession() {
		return new EdgeSessionMvc();
	}

	/** Of a session of this user. */
	public EdgeSessionMvc subject(String subject) {
		this.claims.put("sub", subject);
		return this;
	}

	/** Of a session with this handle. */
	public EdgeSessionMvc sid(String sid) {
		this.claims.put("sid", sid);
		return this;
	}

	/** Any claim: data, auth_time, amr, jti, … */
	public EdgeSessionMvc claim(String name, Object value) {
		this.claims.set(name, mapper.valueToTree(value));
		return this;
	}

	@Override
	public MockHttpServletRequest postProcessRequest(MockHttpServletRequest request) {
		ObjectNode all = this.claims.deepCopy();
		if (all.has("sub") && !all.has("sid")) {
			all.put("sid", UUID.randomUUID().toString());
		}
		if (all.has("sid")) {
			long now = System.currentTimeMillis() / 1000;
			ObjectNode session = mapper.createObjectNode().put("created", now).put("idle", now + 1800).put("absolute", now + 43_200).put("checked", now);
			all.set("session", all.has("session") ? all.get("session") : session);
			all.set("data", all.has("data") ? all.get("data") : mapper.createObjectNode());
		}
		request.addHeader("Edge-Session-Assertion", messages(request).assertion(all));
		return request;
	}

	/** What the response tells the gate: the operation with its members, or null. */
	public static ObjectNode operation(MvcResult result) {
		ObjectNode control = messages(result.getRequest()).control(result.getResponse().getHeader("Edge-Session-Control"));
		if (control != null) {
			for (Iterator<String> names = control.fieldNames(); names.hasNext();) {
				if (ENVELOPE.contains(names.next())) {
					names.remove();
				}
			}
		}
		return control;
	}

	private static TestMessages messages(MockHttpServletRequest request) {
		return TestMessages.of(WebApplicationContextUtils.getRequiredWebApplicationContext(request.getServletContext()));
	}

}
