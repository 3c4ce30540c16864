package dev.edgesession.spring;

import java.time.Duration;
import java.time.Instant;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;

import org.springframework.session.Session;

/**
 * A session of Spring Session. Its data came with the request; what changed leaves with
 * the response (see {@link Exchange}).
 */
public final class EdgeSession implements Session {

	/** Where Spring Security keeps who is signed in; setting it together with a new ID is a login. */
	private static final String SECURITY_CONTEXT = "SPRING_SECURITY_CONTEXT";

	/** What Spring keeps there for this process alone: a lock, and what to do when a bean of the session ends. */
	private static final List<String> OF_THE_PROCESS = List.of("org.springframework.web.util.WebUtils.MUTEX",
			"org.springframework.web.context.request.ServletRequestAttributes.DESTRUCTION_CALLBACK.");

	private static final Duration USUAL_IDLE = Duration.ofMinutes(30);

	private final Exchange exchange;

	private final AttributeCodec codec;

	private ObjectNode kept; // as the gate has it

	private final Map<String, Object> known = new HashMap<>(); // what was read or set

	private final Map<String, String> asRead = new HashMap<>(); // how a value is written that the gate has

	private final Set<String> removed = new HashSet<>();

	private Instant created;

	private Instant lastAccessed;

	private Duration idle;

	private boolean idleChosen;

	private boolean idAsked;

	private boolean fresh;

	private boolean renamed;

	private boolean signedIn;

	private boolean proved;

	private boolean changed;

	EdgeSession(Exchange exchange, AttributeCodec codec, ObjectNode kept, boolean fresh) {
		EdgeClaims claims = exchange.claims();
		Instant now = exchange.now();
		this.exchange = exchange;
		this.codec = codec;
		this.kept = kept;
		this.fresh = fresh;
		this.created = (fresh || claims.created() == null) ? now : claims.created();
		this.lastAccessed = (fresh || claims.checked() == null) ? now : claims.checked();
		this.idle = (fresh || claims.idleDeadline() == null) ? USUAL_IDLE : Duration.between(now, claims.idleDeadline());
	}

	/**
	 * The gate's handle; of a session that only begins, or gets a new ID, the one that it
	 * will have. An empty session is worth keeping only where the application has taken its
	 * ID, as a cart's for example.
	 */
	@Override
	public String getId() {
		this.idAsked = this.idAsked || this.fresh && Callers.isApplication();
		return this.exchange.id(this);
	}

	@Override
	public String changeSessionId() {
		synchronized (this.exchange) {
			this.exchange.settleWhatWasSent();
			this.renamed = true;
			return this.exchange.id(this);
		}
	}

	@Override
	@SuppressWarnings("unchecked")
	public <T> T getAttribute(String name) {
		synchronized (this.exchange) {
			if (!this.known.containsKey(name) && !this.removed.contains(name) && this.kept.hasNonNull(name)) {
				Object value = this.codec.decode(name, this.kept.get(name));
				if (name.equals(SECURITY_CONTEXT)) {
					// Whoever puts another user into it without saving it means this request, and signs nobody in.
					return (T) this.exchange.seen(value);
				}
				this.known.put(name, value);
				this.asRead.put(name, Json.canonical(this.codec.encodeAgain(name, value)));
			}
			return (T) this.known.get(name);
		}
	}

	/** As the gate has it, whatever this request has set or removed. */
	Object keptAttribute(String name) {
		return this.kept.hasNonNull(name) ? this.codec.decode(name, this.kept.get(name)) : null;
	}

	@Override
	public Set<String> getAttributeNames() {
		synchronized (this.exchange) {
			Set<String> names = new LinkedHashSet<>();
			this.kept.fieldNames().forEachRemaining(names::add);
			names.remove(SessionChange.REMEMBERED);
			names.removeAll(this.removed);
			names.addAll(this.known.keySet());
			return names;
		}
	}

	@Override
	public void setAttribute(String name, Object value) {
		synchronized (this.exchange) {
			if (value == null) {
				removeAttribute(name);
				return;
			}
			this.exchange.settleWhatWasSent();
			this.changed = true;
			this.known.put(name, value);
			this.removed.remove(name);
			this.signedIn |= name.equals(SECURITY_CONTEXT);
			// Only a login makes a full authentication of one that is merely remembered.
			this.proved |= name.equals(SECURITY_CONTEXT) && this.exchange.seen(value) != value;
		}
	}

	@Override
	public void removeAttribute(String name) {
		synchronized (this.exchange) {
			this.exchange.settleWhatWasSent();
			this.known.remove(name);
			this.asRead.remove(name);
			this.removed.add(name);
			this.changed = true;
		}
	}

	static boolean isOfTheProcess(String name) {
		return OF_THE_PROCESS.stream().anyMatch(name::startsWith);
	}

	/** The data as it is now. What was read and is what it was keeps the very form that it came in. */
	ObjectNode data() {
		ObjectNode data = this.kept.deepCopy();
		this.removed.forEach(data::remove);
		this.known.forEach((name, value) -> {
			if (isOfTheProcess(name)) {
				return;
			}
			String before = this.asRead.get(name);
			if (before == null || !before.equals(Json.canonical(this.codec.encodeAgain(name, value)))) {
				data.set(name, this.codec.encode(name, value));
			}
		});
		return data;
	}

	/** From here on the gate has this. Values may have changed since it was made. */
	void rebase(ObjectNode data) {
		for (String name : this.known.keySet()) {
			JsonNode text = data.get(name);
			if (text == null) {
				this.asRead.remove(name);
			}
			else if (!text.equals(this.kept.get(name))) {
				this.asRead.put(name, Json.canonical(text));
			}
		}
		this.kept = data;
		this.fresh = false;
		this.renamed = false;
		this.signedIn = false;
		this.proved = false;
		this.changed = false;
		this.idleChosen = false;
		this.removed.clear();
	}

	Exchange exchange() {
		return this.exchange;
	}

	/** Whether attributes were set or removed, so that the session may be another's now. */
	boolean isChanged() {
		return this.changed || this.fresh;
	}

	boolean isFresh() {
		return this.fresh;
	}

	boolean isRenamed() {
		return this.renamed;
	}

	boolean isIdAsked() {
		return this.idAsked;
	}

	/** Whether who is signed in was saved in this request. */
	boolean isSignedIn() {
		return this.signedIn;
	}

	/** Whether the application authenticated somebody in this request, and not just asked for a new ID. */
	boolean isLogin() {
		return this.renamed && this.signedIn || this.proved;
	}

	/** The seconds without activity that the application chose in this request, or null. */
	Long chosenIdle() {
		return (this.idleChosen && !this.idle.isNegative() && !this.idle.isZero()) ? this.idle.toSeconds() : null;
	}

	@Override
	public Instant getCreationTime() {
		return this.created;
	}

	@Override
	public void setLastAccessedTime(Instant time) {
		this.lastAccessed = time;
	}

	@Override
	public Instant getLastAccessedTime() {
		return this.lastAccessed;
	}

	@Override
	public void setMaxInactiveInterval(Duration interval) {
		this.exchange.settleWhatWasSent();
		this.idle = interval;
		this.idleChosen = this.idleChosen || !Callers.isMigration();
	}

	@Override
	public Duration getMaxInactiveInterval() {
		return this.idle;
	}

	/** Never: the gate shows no session that has ended. */
	@Override
	public boolean isExpired() {
		return false;
	}

}
