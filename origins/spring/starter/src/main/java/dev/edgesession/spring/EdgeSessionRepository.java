package dev.edgesession.spring;

import java.time.Instant;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Objects;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;

import org.springframework.context.ApplicationEventPublisher;
import org.springframework.session.FindByIndexNameSessionRepository;
import org.springframework.session.MapSession;
import org.springframework.session.Session;
import org.springframework.session.events.SessionCreatedEvent;
import org.springframework.session.events.SessionDeletedEvent;

/**
 * Spring Session's repository, with nothing in it: the session of the request at hand, and
 * what the gate lists of a user's others.
 */
class EdgeSessionRepository implements FindByIndexNameSessionRepository<Session> {

	private final SessionKit kit;

	private final ApplicationEventPublisher events;

	EdgeSessionRepository(SessionKit kit, ApplicationEventPublisher events) {
		this.kit = kit;
		this.events = events;
	}

	@Override
	public Session createSession() {
		EdgeSession session = Exchange.current().begin();
		this.events.publishEvent(new SessionCreatedEvent(this, session));
		return session;
	}

	@Override
	public void save(Session session) {
		if (session instanceof EdgeSession ours) {
			ours.exchange().flush();
		}
		else {
			saveOther(session);
		}
	}

	@Override
	public Session findById(String id) {
		Exchange exchange = Exchange.of(id);
		EdgeSession session = exchange.session();
		if (session != null && Objects.equals(exchange.id(session), id)) {
			return session;
		}
		return (exchange.subjectOf(id) != null) ? new MapSession(id) : null;
	}

	@Override
	public void deleteById(String id) {
		Exchange exchange = Exchange.of(id);
		EdgeSession session = exchange.session();
		if (session != null && Objects.equals(exchange.id(session), id)) {
			exchange.end();
			this.events.publishEvent(new SessionDeletedEvent(this, session));
		}
		else if (exchange.subjectOf(id) != null) {
			this.kit.outOfBand().send(Json.object().put("op", "destroy").put("sub", exchange.subjectOf(id)).put("sid", id), false);
		}
		else {
			throw new EdgeSessionException("another session is ended with EdgeSessions.endSession(subject, sid)");
		}
	}

	/** The sessions of a user, as concurrency control asks for them. Of others than the request's nothing but times is known. */
	@Override
	public Map<String, Session> findByIndexNameAndIndexValue(String index, String value) {
		Map<String, Session> found = new LinkedHashMap<>();
		if (!PRINCIPAL_NAME_INDEX_NAME.equals(index)) {
			return found;
		}
		Exchange exchange = Exchange.current();
		JsonNode answer = this.kit.outOfBand().send(Json.object().put("op", "list").put("sub", value), false);
		for (JsonNode one : answer.path("sessions")) {
			String sid = one.path("sid").asText();
			exchange.remember(sid, value);
			found.put(sid, Objects.equals(sid, exchange.claims().sid()) && exchange.session() != null ? exchange.session() : other(sid, one));
		}
		return found;
	}

	private static MapSession other(String sid, JsonNode listed) {
		MapSession session = new MapSession(sid);
		session.setCreationTime(Instant.ofEpochSecond(listed.path("created").asLong()));
		// Only the order counts: which one was used last.
		session.setLastAccessedTime(Instant.ofEpochSecond(listed.path("idle").asLong()).minus(session.getMaxInactiveInterval()));
		return session;
	}

	private void saveOther(Session session) {
		ObjectNode set = Json.object();
		for (String name : session.getAttributeNames()) {
			set.set(name, this.kit.codec().encode(name, session.getAttribute(name)));
		}
		ObjectNode operation = Json.object().put("op", "update").put("sub", Exchange.current().subjectOf(session.getId())).put("sid", session.getId());
		operation.set("set", set);
		try {
			this.kit.outOfBand().send(operation, false);
		}
		catch (ControlRefusedException ex) {
			if (ex.getStatus() != 404) { // it ended meanwhile, which is as good
				throw ex;
			}
		}
	}

}
