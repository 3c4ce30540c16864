package dev.edgesession.spring;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.time.Duration;
import java.time.Instant;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.CompletableFuture;

import com.fasterxml.jackson.databind.node.ObjectNode;
import jakarta.servlet.http.HttpServletRequest;
import org.apache.commons.logging.Log;
import org.apache.commons.logging.LogFactory;

import org.springframework.web.context.request.RequestAttributes;
import org.springframework.web.context.request.RequestContextHolder;

/**
 * One request and its response: what the application has done to the session, as one
 * operation in the head of the response. What changes after the head goes out of band.
 */
final class Exchange {

	private static final String ATTRIBUTE = Exchange.class.getName();

	private static final Log logger = LogFactory.getLog(Exchange.class);

	private static final ThreadLocal<Exchange> current = new ThreadLocal<>();

	/** What the gate has, or will have once it has read the head. */
	private record Known(String sid, String subject, ObjectNode data) {

		static final Known NOTHING = new Known(null, null, Json.object());

	}

	/** An operation, null for none, and what the gate has after it. */
	private record Plan(ObjectNode operation, Known next) {

	}

	private final EdgeClaims claims;

	private final SessionKit kit;

	private final HttpServletRequest request;

	private final EdgeResponse response;

	private final long arrived = System.nanoTime();

	private Known known;

	private Known announced; // what the head, not sent yet, will make of it

	private EdgeSession session;

	private boolean ended;

	private boolean everywhere;

	private boolean endOthers;

	private Duration remember;

	private List<String> methods; // how the user authenticated in this request, or null

	private boolean failed;

	private final Map<String, String> others = new HashMap<>(); // listed in this request: sid and subject

	private boolean lateTold;

	private boolean beginning; // the head that was sent begins or renames the session

	/** @param claims those of the gate, or NONE on a path that is reached without it */
	Exchange(EdgeClaims claims, SessionKit kit, HttpServletRequest request, EdgeResponse response) {
		this.claims = claims;
		this.kit = kit;
		this.request = request;
		this.response = response;
		this.known = new Known(claims.sid(), claims.subject(), claims.data());
		request.setAttribute(ATTRIBUTE, this);
	}

	static Exchange of(HttpServletRequest request) {
		return (Exchange) request.getAttribute(ATTRIBUTE);
	}

	/** The one of the request that this thread works for. */
	static Exchange current() {
		Exchange exchange = current.get();
		if (exchange == null) {
			RequestAttributes attributes = RequestContextHolder.getRequestAttributes();
			exchange = (attributes == null) ? null : (Exchange) attributes.getAttribute(ATTRIBUTE, RequestAttributes.SCOPE_REQUEST);
		}
		if (exchange == null) {
			throw new EdgeSessionException("no request belongs to this thread, so there is no session. In jobs use EdgeSessions");
		}
		return exchange;
	}

	void bind() {
		current.set(this);
	}

	static void unbind() {
		current.remove();
	}

	EdgeClaims claims() {
		return this.claims;
	}

	/** The gate's clock: an application's may be off. */
	Instant now() {
		Instant start = this.claims.issuedAt();
		return (start == null) ? Instant.now() : start.plusNanos(System.nanoTime() - this.arrived);
	}

	/** The session, or null. */
	synchronized EdgeSession session() {
		if (this.session == null && this.known.sid() != null && !this.ended) {
			this.session = new EdgeSession(this, this.kit.codec(), this.known.data(), false);
		}
		return this.session;
	}

	synchronized EdgeSession begin() {
		this.session = new EdgeSession(this, this.kit.codec(), Json.object(), true);
		return this.session;
	}

	synchronized void end() {
		this.session = null;
		this.ended = true;
	}

	/** Ends every session of this user, this one too. */
	synchronized void endEverywhere() {
		end();
		this.everywhere = this.known.subject() != null;
	}

	synchronized void endOthers() {
		this.endOthers = true;
		session();
	}

	/** The user has just authenticated, again or in this login, by these methods. */
	synchronized void authenticated(List<String> methods) {
		this.methods = List.copyOf(methods);
	}

	/** The session that begins with this response is to outlast the browser. */
	synchronized void remember(Duration life) {
		this.remember = life;
	}

	/** A session that the gate listed. */
	synchronized void remember(String sid, String subject) {
		this.others.put(sid, subject);
	}

	/** The subject of one that was listed, or null. */
	synchronized String subjectOf(String sid) {
		return this.others.get(sid);
	}

	boolean isVarying() {
		return this.response.isVarying();
	}

	void varyByCookie() {
		this.response.varyByCookie();
	}

	/** Whether this response signs somebody in. */
	synchronized boolean isLogin() {
		String subject = (this.session != null) ? subject(this.session) : null;
		return subject != null && (this.session.isLogin() || !subject.equals(this.known.subject()));
	}

	/** The response says that the application failed: from now on only a logout counts. */
	synchronized void fail() {
		this.failed = true;
	}

	synchronized String id(EdgeSession session) {
		if (this.claims == EdgeClaims.NONE) {
			return "none"; // of a session that can't be kept
		}
		boolean another = session.isFresh() || this.known.sid() == null || session.isRenamed() || this.known.subject() != null && (this.endOthers || this.methods != null) || !Objects.equals(subject(session), this.known.subject());
		return another ? this.claims.jti() : this.known.sid();
	}

	private String subject(EdgeSession session) {
		return session.isChanged() ? this.kit.subjects().resolve(session::getAttribute) : this.known.subject();
	}

	private Plan plan() {
		if (this.session == null || this.failed || this.response.getStatus() >= 500) {
			return ending();
		}
		ObjectNode data = this.session.data();
		String subject = subject(this.session);
		boolean nothing = data.isEmpty() && subject == null;
		boolean unborn = this.session.isFresh() || this.known.sid() == null;
		if (nothing && unborn && !this.session.isIdAsked()) {
			return ending();
		}
		if (nothing && !unborn && this.known.subject() != null) {
			return new Plan(Json.object().put("op", "destroy"), Known.NOTHING);
		}
		boolean anew = unborn || this.session.isLogin() || !Objects.equals(subject, this.known.subject())
				|| this.session.isRenamed() && subject == null;
		ObjectNode operation = Json.object();
		if (anew) {
			SessionData.check(data, this.kit.settings().dataLimit());
			SessionData.checkSubject(subject);
			operation.put("op", "create");
			if (subject != null) {
				operation.put("sub", subject);
			}
			if (!data.isEmpty()) {
				operation.set("data", data);
			}
			addLife(operation, subject);
			return new Plan(operation, new Known(this.claims.jti(), subject, data));
		}
		ObjectNode change = SessionData.difference(this.known.data(), data);
		if (change.has("set")) {
			SessionData.check(data, this.kit.settings().dataLimit());
		}
		Long idle = this.session.chosenIdle();
		boolean shorter = idle != null && this.claims.idleDeadline() != null
				&& now().plusSeconds(idle + 1).isBefore(this.claims.idleDeadline());
		boolean rename = this.session.isRenamed() || (this.endOthers || this.methods != null) && subject != null;
		if (change.isEmpty() && !shorter && !rename) {
			return new Plan(null, this.known);
		}
		operation.put("op", rename ? "rotate" : "update").setAll(change);
		if (shorter) {
			operation.put("idle", idle);
		}
		if (rename) {
			addAuthentication(operation);
		}
		return new Plan(operation, new Known(rename ? this.claims.jti() : this.known.sid(), subject, data));
	}

	private void addLife(ObjectNode operation, String subject) {
		if (this.session.chosenIdle() != null) {
			operation.put("idle", this.session.chosenIdle());
		}
		if (subject == null) {
			return;
		}
		if (this.remember != null) {
			operation.put("remember", true).put("absolute", this.remember.toSeconds());
		}
		else if (this.request.getAttribute(SessionKit.REMEMBER_ATTRIBUTE) != null) {
			operation.put("remember", true);
		}
		addAuthentication(operation);
	}

	private void addAuthentication(ObjectNode operation) {
		if (this.methods != null) {
			operation.put("auth_time", now().getEpochSecond());
			this.methods.forEach(operation.withArrayProperty("amr")::add);
		}
		if (this.endOthers) {
			operation.put("end_others", true);
		}
	}

	private Plan ending() {
		if (!this.ended || this.known.sid() == null) {
			return new Plan(null, this.ended ? Known.NOTHING : this.known);
		}
		ObjectNode operation = this.everywhere ? Json.object().put("op", "destroy_all").put("sub", this.known.subject())
				: Json.object().put("op", "destroy");
		return new Plan(operation, Known.NOTHING);
	}

	/** Brings the gate to what the application has now: in the head of the response, or out of band once that is sent. */
	synchronized void flush() {
		if (this.session == null && !this.ended) {
			return;
		}
		if (!this.response.isCommitted()) {
			announce();
			return;
		}
		if (this.announced != null) {
			settle(this.announced);
			this.announced = null;
		}
		Plan plan = plan();
		if (plan.operation() != null) {
			sendRest(plan);
		}
	}

	private void announce() {
		try {
			Plan plan = plan();
			if (plan.operation() != null && this.claims == EdgeClaims.NONE) {
				throw new EdgeSessionException(this.request.getRequestURI()
						+ " is one of edge-session.direct-paths: it has no session that could change");
			}
			if (this.everywhere && this.session != null && !this.failed) {
				// One operation a response: something is kept over the logout, so that goes into it.
				this.kit.outOfBand().send(Json.object().put("op", "destroy_all").put("sub", this.known.subject()), false);
				this.everywhere = false;
			}
			if (plan.operation() != null) {
				this.response.setControl(this.kit.signer().sign("req", this.claims.jti(), plan.operation(), now()));
				this.announced = plan.next();
			}
			else if (this.announced != null) {
				withdraw();
			}
			this.beginning = !Objects.equals(plan.next().sid(), this.known.sid());
		}
		catch (EdgeSessionException ex) {
			this.failed = true; // an error page of the application comes next, and it says nothing of the session
			this.announced = null;
			this.response.takeBack();
			throw ex;
		}
	}

	/** Something was announced that is no longer meant. */
	private void withdraw() {
		this.announced = null;
		if (this.failed) {
			this.response.takeBack();
		}
		else { // the answer stays, and no header can be removed: this one changes nothing
			String nothing = (this.known.sid() != null) ? "update" : "destroy";
			this.response.setControl(this.kit.signer().sign("req", this.claims.jti(), Json.object().put("op", nothing), now()));
		}
	}

	private void settle(Known next) {
		this.known = next;
		this.ended = false;
		this.everywhere = false;
		this.endOthers = false;
		this.methods = null;
		if (this.session != null) {
			this.session.rebase(next.data());
		}
	}

	private void sendRest(Plan plan) {
		String op = plan.operation().get("op").textValue();
		if (op.equals("create") || op.equals("rotate")) {
			if (!this.lateTold) {
				this.lateTold = true;
				logger.warn("The session of " + this.request.getMethod() + " " + this.request.getRequestURI()
					+ " was begun or renamed after the head of the response had been sent. It is too late for that: the change is lost");
			}
			return;
		}
		ObjectNode message = plan.operation();
		if (this.known.subject() != null) {
			message.put("sub", this.known.subject());
		}
		if (!op.equals("destroy_all")) {
			message.put("sid", this.known.sid());
		}
		settle(plan.next());
		if (this.beginning && this.response.isClosed()) {
			// The head leaves only when this request is over.
			CompletableFuture.runAsync(() -> send(message)).exceptionally((ex) -> {
				logger.error("A change of the session after the response is lost", ex);
				return null;
			});
			return;
		}
		try {
			this.response.flushBuffer();
		}
		catch (IOException ex) {
			throw new UncheckedIOException(ex);
		}
		send(message);
	}

	private void send(ObjectNode message) {
		try {
			this.kit.outOfBand().send(message, this.beginning);
		}
		catch (ControlRefusedException ex) {
			if (ex.getStatus() != 404) {
				throw ex;
			}
			logger.info("The session ended before it could be changed");
		}
	}

}
