package dev.edgesession.spring;

import java.io.IOException;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import jakarta.servlet.Filter;
import jakarta.servlet.FilterChain;
import jakarta.servlet.ServletException;
import jakarta.servlet.ServletRequest;
import jakarta.servlet.ServletResponse;
import jakarta.servlet.http.HttpServletRequest;
import jakarta.servlet.http.HttpSession;

/**
 * Without a gate, for development and tests: the servlet container's own sessions, so that
 * MockMvc and its sessions work as ever. What the gate would not take is an error here too.
 */
class StandaloneSessions implements Filter, OutOfBand, RequestSessions {

	private static final Duration ABSOLUTE = Duration.ofHours(12);

	private final AttributeCodec codec;

	private final SubjectResolver subjects;

	private final int dataLimit;

	private final Map<String, HttpSession> sessions = new LinkedHashMap<>();

	StandaloneSessions(AttributeCodec codec, SubjectResolver subjects, int dataLimit) {
		this.codec = codec;
		this.subjects = subjects;
		this.dataLimit = dataLimit;
	}

	@Override
	public void doFilter(ServletRequest request, ServletResponse response, FilterChain chain) throws IOException, ServletException {
		chain.doFilter(request, response);
		HttpSession session = ((HttpServletRequest) request).getSession(false);
		if (session != null) {
			check(session);
			synchronized (this.sessions) {
				this.sessions.values().removeIf((one) -> !isAlive(one) || one == session);
				this.sessions.put(session.getId(), session);
			}
		}
	}

	private void check(HttpSession session) {
		ObjectNode data = Json.object();
		for (String name : Collections.list(session.getAttributeNames())) {
			if (EdgeSession.isOfTheProcess(name)) {
				continue;
			}
			data.set(name, this.codec.encode(name, session.getAttribute(name)));
		}
		SessionData.check(data, this.dataLimit);
		SessionData.checkSubject(this.subjects.resolve(session::getAttribute));
	}

	@Override
	public JsonNode send(ObjectNode operation, boolean awaited) {
		List<HttpSession> meant = new ArrayList<>();
		synchronized (this.sessions) {
			for (HttpSession one : this.sessions.values()) {
				boolean same = isAlive(one) && operation.path("sub").asText().equals(this.subjects.resolve(one::getAttribute));
				if (same && (!operation.has("sid") || operation.get("sid").asText().equals(one.getId()))) {
					meant.add(one);
				}
			}
		}
		if (operation.get("op").textValue().equals("list")) {
			ObjectNode answer = Json.object();
			meant.forEach((one) -> answer.withArrayProperty("sessions").add(times(one).put("sid", one.getId())));
			return answer;
		}
		if (operation.has("sid") && meant.isEmpty()) {
			throw new ControlRefusedException("there is no such session", 404, null);
		}
		meant.forEach(HttpSession::invalidate);
		return null;
	}

	private static ObjectNode times(HttpSession session) {
		Instant created = Instant.ofEpochMilli(session.getCreationTime());
		Instant absolute = created.plus(ABSOLUTE);
		return Json.object()
			.put("created", created.getEpochSecond())
			.put("idle", Instant.ofEpochMilli(session.getLastAccessedTime()).plusSeconds(session.getMaxInactiveInterval()).getEpochSecond())
			.put("absolute", absolute.getEpochSecond())
			.put("checked", Instant.now().getEpochSecond());
	}

	private static boolean isAlive(HttpSession session) {
		try {
			session.getCreationTime();
			return true;
		}
		catch (IllegalStateException ex) {
			return false;
		}
	}

	private String subject(HttpServletRequest request) {
		HttpSession session = request.getSession(false);
		return (session != null) ? this.subjects.resolve(session::getAttribute) : null;
	}

	@Override
	public void logoutEverywhere(HttpServletRequest request) {
		String subject = subject(request);
		if (subject != null) {
			request.getSession(false).invalidate();
			send(Json.object().put("op", "destroy_all").put("sub", subject), false);
		}
	}

	@Override
	public void endOthers(HttpServletRequest request) {
		String subject = subject(request);
		if (subject != null) {
			synchronized (this.sessions) {
				this.sessions.remove(request.getSession(false).getId());
			}
			send(Json.object().put("op", "destroy_all").put("sub", subject), false);
			request.changeSessionId();
		}
	}

	@Override
	public void authenticated(HttpServletRequest request, List<String> methods) {
		if (subject(request) != null) {
			request.changeSessionId();
		}
	}

	@Override
	public EdgeClaims claims(HttpServletRequest request) {
		HttpSession session = request.getSession(false);
		ObjectNode claims = Json.object().put("iat", Instant.now().getEpochSecond());
		if (session != null) {
			claims.put("sid", session.getId()).set("session", times(session));
			if (subject(request) != null) {
				claims.put("sub", subject(request)).put("auth_time", session.getCreationTime() / 1000);
			}
		}
		return new EdgeClaims(claims);
	}

}
