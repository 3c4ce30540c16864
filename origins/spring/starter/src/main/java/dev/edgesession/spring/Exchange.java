package dev.edgesession.spring;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.ref.WeakReference;
import java.time.Duration;
import java.time.Instant;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.CompletableFuture;

import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.edgesession.spring.SessionChange.Known;
import dev.edgesession.spring.SessionChange.Plan;
import jakarta.servlet.http.HttpServletRequest;
import jakarta.servlet.http.HttpServletResponse;
import org.apache.commons.logging.Log;
import org.apache.commons.logging.LogFactory;

import org.springframework.web.context.request.RequestAttributes;
import org.springframework.web.context.request.RequestContextHolder;

/**
 * One request and its response: what the application has done to the session goes into the
 * head of the response, as one operation, and out of band what it does later.
 */
final class Exchange {

	private static final String ATTRIBUTE = Exchange.class.getName();

	private static final Log logger = LogFactory.getLog(Exchange.class);

	private static final ThreadLocal<Exchange> current = new ThreadLocal<>();

	/** The one whose ID a thread has asked for that belongs to no request. Spring Session does that before it looks the session up or ends it. */
	private static final ThreadLocal<WeakReference<Exchange>> asked = new ThreadLocal<>();

	private final EdgeClaims claims;

	private final SessionKit kit;

	private final HttpServletRequest request;

	private final EdgeResponse response;

	private final long arrived = System.nanoTime();

	private final SessionChange change;

	private final Map<String, String> others = new HashMap<>(); // listed in this request: sid and subject

	private EdgeSession session;

	private Known announced; // what the head, not sent yet, will make of it

	private boolean failed;

	private boolean beginning; // the head begins or renames the session

	private boolean lateTold;

	/** @param claims those of the gate, or NONE on a path that is reached without it */
	Exchange(EdgeClaims claims, SessionKit kit, HttpServletRequest request, EdgeResponse response) {
		this.claims = claims;
		this.kit = kit;
		this.request = request;
		this.response = response;
		this.change = new SessionChange(claims, kit);
		request.setAttribute(ATTRIBUTE, this);
	}

	static Exchange of(HttpServletRequest request) {
		return (Exchange) request.getAttribute(ATTRIBUTE);
	}

	/** The one of the request that this thread works for. */
	static Exchange current() {
		return required(ofThisThread());
	}

	/** The one of the session with this ID, also in a thread that answers for a request and is not the request's own. */
	static Exchange of(String id) {
		return required(find(id));
	}

	/** The same, or null: no request that came through the gate belongs to this thread. */
	static Exchange find(String id) {
		WeakReference<Exchange> last = (current.get() == null) ? asked.get() : null;
		Exchange exchange = (last == null) ? null : last.get();
		EdgeSession session = (exchange == null) ? null : exchange.session();
		return (session != null && exchange.id(session).equals(id)) ? exchange : ofThisThread();
	}

	/** Or null. */
	static Exchange ofThisThread() {
		Exchange exchange = current.get();
		if (exchange == null) {
			RequestAttributes attributes = RequestContextHolder.getRequestAttributes();
			exchange = (attributes == null) ? null : (Exchange) attributes.getAttribute(ATTRIBUTE, RequestAttributes.SCOPE_REQUEST);
		}
		return exchange;
	}

	private static Exchange required(Exchange exchange) {
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
		if (this.session == null && this.change.known().sid() != null && !this.change.isEnded()) {
			this.session = new EdgeSession(this, this.kit.codec(), this.change.known().data(), false);
		}
		return this.session;
	}

	synchronized EdgeSession begin() {
		settleWhatWasSent();
		this.session = new EdgeSession(this, this.kit.codec(), Json.object(), true);
		return this.session;
	}

	synchronized void end() {
		settleWhatWasSent();
		this.session = null;
		this.change.end();
	}

	/** Ends every session of this user, this one too. */
	synchronized void endEverywhere() {
		settleWhatWasSent();
		this.session = null;
		this.change.endEverywhere();
	}

	synchronized void endOthers() {
		settleWhatWasSent();
		session();
		this.change.endOthers();
	}

	/** The user has just authenticated, again or in this login, by these methods. */
	synchronized void authenticated(List<String> methods) {
		settleWhatWasSent();
		session();
		this.change.authenticated(methods);
	}

	/** The session that begins with this response is to outlast the browser. */
	synchronized void remember(Duration life) {
		this.change.remember(life);
	}

	/**
	 * The SecurityContext as the application sees it: a login of a while ago that the gate
	 * only remembers is no full authentication any more.
	 */
	synchronized Object seen(Object context) {
		Instant login = this.claims.authTime();
		boolean recent = login != null && now().isBefore(login.plus(this.kit.settings().rememberedAfter()));
		return (recent || !this.change.known().data().has(SessionChange.REMEMBERED)) ? context : this.kit.remembered().seen(context);
	}

	synchronized boolean isLogin() {
		return this.change.isLogin(this.session);
	}

	synchronized String id(EdgeSession session) {
		if (current.get() == null) {
			asked.set(new WeakReference<>(this));
		}
		return this.change.id(session);
	}

	/** The application failed: from now on only a logout counts. */
	synchronized void fail() {
		this.failed = true;
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

	private Plan plan() {
		if (this.request.getAttribute(SessionKit.REMEMBER_ATTRIBUTE) != null) {
			this.change.remember(null);
		}
		boolean failing = this.failed || this.response.getStatus() >= 500;
		return failing ? this.change.ending() : this.change.plan(this.session, now());
	}

	/** Brings the gate to what the application has now: in the head of the response, or out of band once that is sent. */
	synchronized void flush() {
		if (this.session == null && !this.change.isEnded()) {
			return;
		}
		// The gate takes nothing from the head of a WebSocket's handshake.
		if (!this.response.isCommitted() && this.response.getStatus() != HttpServletResponse.SC_SWITCHING_PROTOCOLS) {
			announce();
			return;
		}
		settleWhatWasSent();
		Plan plan = plan();
		if (plan.isBeginning()) {
			tellThatItIsLate();
			plan = this.change.ending();
		}
		if (!plan.isEmpty()) {
			sendRest(plan);
		}
	}

	private void announce() {
		try {
			Plan plan = plan();
			if (!plan.isEmpty() && this.claims == EdgeClaims.NONE) {
				throw new EdgeSessionException(this.request.getRequestURI()
						+ " is one of edge-session.direct-paths: it has no session that could change");
			}
			if (plan.isBeginning()) {
				// One operation a response: something is kept over the logout, so that goes into it.
				ObjectNode everywhere = this.change.takeEverywhere();
				if (everywhere != null) {
					this.kit.outOfBand().send(everywhere, false);
				}
			}
			if (!plan.isEmpty()) {
				setControl(plan.operation());
				this.announced = plan.next();
			}
			else if (this.announced != null) {
				withdraw();
			}
			this.beginning = !Objects.equals(plan.next().sid(), this.change.known().sid());
		}
		catch (RuntimeException ex) {
			this.failed = true; // an error page of the application comes next, and it says nothing of the session
			this.announced = null;
			this.response.takeBack();
			throw ex;
		}
	}

	private void setControl(ObjectNode operation) {
		this.response.setControl(this.kit.signer().sign("req", this.claims.jti(), operation, now()));
	}

	/** Something was announced that is no longer meant. */
	private void withdraw() {
		this.announced = null;
		if (this.failed) {
			this.response.takeBack();
		}
		else { // the answer stays, and no header can be removed: this one changes nothing
			setControl(Json.object().put("op", (this.change.known().sid() != null) ? "update" : "destroy"));
		}
	}

	/** Before anything else changes: what comes after the head is none of what the head said. */
	synchronized void settleWhatWasSent() {
		if (this.announced != null && this.response.isCommitted()) {
			settle(this.announced);
			this.announced = null;
		}
	}

	private void settle(Known next) {
		this.change.settle(next);
		if (this.session != null) {
			this.session.rebase(next.data());
		}
	}

	private void tellThatItIsLate() {
		if (!this.lateTold) {
			this.lateTold = true;
			logger.warn("The session of " + this.request.getMethod() + " " + this.request.getRequestURI()
					+ " was begun or renamed after the head of the response had been sent, or with a 101. It is too late for that: the change is lost");
		}
	}

	private void sendRest(Plan plan) {
		ObjectNode message = plan.operation();
		Known known = this.change.known();
		if (known.subject() != null) {
			message.put("sub", known.subject());
		}
		if (!message.get("op").textValue().equals("destroy_all")) {
			message.put("sid", known.sid());
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
			if (this.response.isCommitted()) {
				this.response.flushBuffer();
			}
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
