package dev.edgesession.spring;

import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Objects;

import com.fasterxml.jackson.databind.node.ObjectNode;

/** What the application has done to the session of a request, as one operation for the gate. Sends nothing. */
final class SessionChange {

	/** What the gate has, or will have once it has read the head of the response. */
	record Known(String sid, String subject, ObjectNode data) {

		static final Known NOTHING = new Known(null, null, Json.object());

	}

	/** An operation, null for none, and what the gate has after it. */
	record Plan(ObjectNode operation, Known next) {

		boolean isEmpty() {
			return this.operation == null;
		}

		/** Whether it needs a response: it makes a session or gives one a new ID. */
		boolean isBeginning() {
			return !isEmpty() && (this.operation.get("op").textValue().equals("create") || this.operation.get("op").textValue().equals("rotate"));
		}

	}

	/** Member of the data that says so of a session that outlasts the browser; no attribute. */
	static final String REMEMBERED = "edge-session.remembered";

	private final EdgeClaims claims;

	private final SessionKit kit;

	private Known known;

	private boolean ended;

	private boolean everywhere;

	private boolean endOthers;

	private boolean remembered;

	private Duration remember;

	private List<String> methods; // how the user authenticated in this request, or null

	SessionChange(EdgeClaims claims, SessionKit kit) {
		this.claims = claims;
		this.kit = kit;
		this.known = new Known(claims.sid(), claims.subject(), claims.data());
	}

	Known known() {
		return this.known;
	}

	boolean isEnded() {
		return this.ended;
	}

	void end() {
		this.ended = true;
	}

	void endEverywhere() {
		this.ended = true;
		this.everywhere = this.known.subject() != null;
	}

	void endOthers() {
		this.endOthers = true;
	}

	void authenticated(List<String> methods) {
		this.methods = List.copyOf(methods);
	}

	/** @param life how long at most, or null */
	void remember(Duration life) {
		this.remembered = true;
		this.remember = life;
	}

	/** The logout everywhere that has to go out of band, because the response says what is kept over it; null for none. */
	ObjectNode takeEverywhere() {
		ObjectNode operation = this.everywhere ? Json.object().put("op", "destroy_all").put("sub", this.known.subject()) : null;
		this.everywhere = false;
		return operation;
	}

	/** From here on the gate has this. */
	void settle(Known next) {
		this.known = next;
		this.ended = false;
		this.everywhere = false;
		this.endOthers = false;
		this.methods = null;
	}

	/** The ID that the session has, or will have. */
	String id(EdgeSession session) {
		if (this.claims == EdgeClaims.NONE) {
			return "none"; // of a session that can't be kept
		}
		String subject = subject(session);
		return isAnew(session, subject) || isRename(session, subject) ? this.claims.jti() : this.known.sid();
	}

	/** Whether this response signs somebody in, be it the same user again, and whatever becomes of the ID. */
	boolean isLogin(EdgeSession session) {
		String subject = (session != null) ? subject(session) : null;
		return subject != null && (session.isSignedIn() || !subject.equals(this.known.subject()));
	}

	private String subject(EdgeSession session) {
		return subject(session, session.isChanged());
	}

	private String subject(EdgeSession session, boolean changed) {
		if (!changed) {
			return this.known.subject();
		}
		String subject = this.kit.subjects().resolve(session::getAttribute);
		return (subject == null && isOfAnother(session)) ? this.known.subject() : subject;
	}

	/** A subject that the application knew nothing of when the request came is another application's. */
	private boolean isOfAnother(EdgeSession session) {
		return !session.isFresh() && this.known.subject() != null && this.kit.subjects().resolve(session::keptAttribute) == null;
	}

	private boolean isUnborn(EdgeSession session) {
		return session.isFresh() || this.known.sid() == null;
	}

	private boolean isAnew(EdgeSession session, String subject) {
		return isUnborn(session) || session.isLogin() || !Objects.equals(subject, this.known.subject()) || session.isRenamed() && subject == null
				|| this.remembered && session.isSignedIn();
	}

	private boolean isRename(EdgeSession session, String subject) {
		return session.isRenamed() || subject != null && (this.endOthers || this.methods != null);
	}

	/** @param now the gate's time */
	Plan plan(EdgeSession session, Instant now) {
		if (session == null) {
			return ending();
		}
		ObjectNode data = session.data();
		String subject = subject(session, session.isChanged() || !data.equals(this.known.data()));
		if (subject == null) {
			data.remove(REMEMBERED); // so that nothing else is nothing
		}
		if (data.isEmpty() && subject == null) {
			if (isUnborn(session) && !session.isIdAsked()) {
				return ending();
			}
			if (!isUnborn(session) && this.known.subject() != null) {
				return new Plan(Json.object().put("op", "destroy"), Known.NOTHING);
			}
		}
		return isAnew(session, subject) ? create(session, subject, data, now) : update(session, subject, data, now);
	}

	private Plan create(EdgeSession session, String subject, ObjectNode data, Instant now) {
		data.remove(REMEMBERED);
		if (subject != null && this.remembered) {
			data.put(REMEMBERED, true);
		}
		SessionData.check(data, this.kit.settings().dataLimit());
		SessionData.checkSubject(subject);
		ObjectNode operation = Json.object().put("op", "create");
		if (subject != null) {
			operation.put("sub", subject);
		}
		if (!data.isEmpty()) {
			operation.set("data", data);
		}
		if (session.chosenIdle() != null) {
			operation.put("idle", session.chosenIdle());
		}
		if (subject != null && this.remembered) {
			operation.put("remember", true);
			if (this.remember != null) {
				operation.put("absolute", this.remember.toSeconds());
			}
		}
		if (subject != null) {
			addAuthentication(operation, now);
		}
		return new Plan(operation, new Known(this.claims.jti(), subject, data));
	}

	private Plan update(EdgeSession session, String subject, ObjectNode data, Instant now) {
		ObjectNode change = SessionData.difference(this.known.data(), data);
		if (change.has("set")) {
			SessionData.check(data, this.kit.settings().dataLimit());
		}
		Long idle = session.chosenIdle();
		boolean shorter = idle != null && this.claims.idleDeadline() != null && now.plusSeconds(idle + 1).isBefore(this.claims.idleDeadline());
		boolean rename = isRename(session, subject);
		if (change.isEmpty() && !shorter && !rename) {
			return new Plan(null, this.known);
		}
		ObjectNode operation = Json.object().put("op", rename ? "rotate" : "update").setAll(change);
		if (shorter) {
			operation.put("idle", idle);
		}
		if (rename) {
			addAuthentication(operation, now);
		}
		return new Plan(operation, new Known(rename ? this.claims.jti() : this.known.sid(), subject, data));
	}

	private void addAuthentication(ObjectNode operation, Instant now) {
		if (this.methods != null) {
			operation.put("auth_time", now.getEpochSecond());
			this.methods.forEach(operation.withArrayProperty("amr")::add);
		}
		if (this.endOthers) {
			operation.put("end_others", true);
		}
	}

	/** What counts of a response that failed, too. */
	Plan ending() {
		if (!this.ended || this.known.sid() == null) {
			return new Plan(null, this.ended ? Known.NOTHING : this.known);
		}
		ObjectNode operation = this.everywhere ? Json.object().put("op", "destroy_all").put("sub", this.known.subject())
				: Json.object().put("op", "destroy");
		return new Plan(operation, Known.NOTHING);
	}

}
