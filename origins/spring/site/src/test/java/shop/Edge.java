package shop;

import java.util.Map;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.edgesession.spring.testing.EdgeSessionMvc;

import org.springframework.test.web.servlet.MockMvc;
import org.springframework.test.web.servlet.MvcResult;
import org.springframework.test.web.servlet.request.MockHttpServletRequestBuilder;

import static dev.edgesession.spring.testing.EdgeSessionMvc.edgeSession;
import static org.springframework.security.test.web.servlet.request.SecurityMockMvcRequestPostProcessors.csrf;
import static org.springframework.test.web.servlet.request.MockMvcRequestBuilders.asyncDispatch;
import static org.springframework.test.web.servlet.request.MockMvcRequestBuilders.get;
import static org.springframework.test.web.servlet.request.MockMvcRequestBuilders.post;

/** A browser's way through a gate, in this process: what is sent is signed, what comes back is verified and done. */
class Edge {

	private static final ObjectMapper mapper = new ObjectMapper();

	final MockMvc mvc;

	String sid;

	String sub;

	/** When the user authenticated, in seconds; null says nothing of it. */
	Long authTime;

	ObjectNode data = mapper.createObjectNode();

	/** What the last response said, or null, and the last request's jti. */
	ObjectNode control;

	String jti;

	private static int count;

	Edge(MockMvc mvc) {
		this.mvc = mvc;
	}

	MvcResult send(MockHttpServletRequestBuilder request) throws Exception {
		this.control = null;
		this.jti = "jti-" + (count += 1);
		EdgeSessionMvc from = edgeSession().claim("jti", this.jti);
		if (this.sid != null) {
			from.sid(this.sid).claim("data", this.data);
		}
		if (this.sub != null) {
			from.subject(this.sub);
		}
		if (this.authTime != null) {
			from.claim("auth_time", this.authTime);
		}
		MvcResult result = this.mvc.perform(request.with(from)).andReturn();
		if (result.getRequest().isAsyncStarted()) {
			result = this.mvc.perform(asyncDispatch(result)).andReturn();
		}
		this.control = EdgeSessionMvc.operation(result);
		apply();
		return result;
	}

	MvcResult read(String path) throws Exception {
		return send(get(path));
	}

	/** A form; its CSRF token is of no interest here. */
	MvcResult submit(String path, String... fields) throws Exception {
		MockHttpServletRequestBuilder form = post(path).with(csrf());
		for (int i = 0; i < fields.length; i += 2) {
			form.param(fields[i], fields[i + 1]);
		}
		return send(form);
	}

	MvcResult change(Map<String, ?> change) throws Exception {
		return send(post("/data").with(csrf()).contentType("application/json").content(mapper.writeValueAsString(change)));
	}

	MvcResult login(String user) throws Exception {
		return submit("/login", "username", user, "password", "secret");
	}

	@SuppressWarnings("unchecked")
	Map<String, Object> state() throws Exception {
		return mapper.readValue(read("/data").getResponse().getContentAsByteArray(), Map.class);
	}

	/** As the gate does it. */
	private void apply() {
		if (this.control == null) {
			return;
		}
		switch (this.control.get("op").textValue()) {
			case "create" -> {
				this.sid = this.jti;
				this.sub = this.control.path("sub").textValue();
				this.data = this.control.has("data") ? (ObjectNode) this.control.get("data") : mapper.createObjectNode();
			}
			case "destroy", "destroy_all" -> {
				this.sid = null;
				this.sub = null;
				this.data = mapper.createObjectNode();
			}
			default -> {
				this.control.path("unset").forEach((name) -> this.data.remove(name.textValue()));
				this.control.path("set").properties().forEach((one) -> this.data.set(one.getKey(), one.getValue()));
				if (this.control.get("op").textValue().equals("rotate") && this.sub != null) {
					this.sid = this.jti;
				}
			}
		}
	}

}
