package dev.edgesession.spring;

import java.time.Instant;
import java.util.ArrayList;
import java.util.List;

import com.fasterxml.jackson.databind.JsonNode;
import jakarta.servlet.http.HttpServletRequest;

/**
 * Sessions beyond the request at hand, for jobs and account pages. Inject it. What it does
 * is done when it returns; {@link ControlRefusedException} says that it was not.
 */
public class EdgeSessions {

	private final OutOfBand outOfBand;

	private final RequestSessions requests;

	EdgeSessions(OutOfBand outOfBand, RequestSessions requests) {
		this.outOfBand = outOfBand;
		this.requests = requests;
	}

	/** Ends every session of a user, everywhere: a disabled account, a stolen password. */
	public void endSessions(String subject) {
		this.outOfBand.send(Json.object().put("op", "destroy_all").put("sub", subject), false);
	}

	/** Ends one session of a user. Whether there was one. */
	public boolean endSession(String subject, String sid) {
		try {
			this.outOfBand.send(Json.object().put("op", "destroy").put("sub", subject).put("sid", sid), false);
			return true;
		}
		catch (ControlRefusedException ex) {
			if (ex.getStatus() == 404) {
				return false;
			}
			throw ex;
		}
	}

	/** The sessions of a user that are alive. */
	public List<SessionInfo> listSessions(String subject) {
		List<SessionInfo> sessions = new ArrayList<>();
		for (JsonNode one : this.outOfBand.send(Json.object().put("op", "list").put("sub", subject), false).path("sessions")) {
			sessions.add(new SessionInfo(one.path("sid").asText(), time(one.path("created")), time(one.path("idle")), time(one.path("absolute"))));
		}
		return sessions;
	}

	/** Logs the user of this request out, here and in all other browsers. */
	public void logoutEverywhere(HttpServletRequest request) {
		this.requests.logoutEverywhere(request);
	}

	/** Ends all other sessions of this request's user and gives this one a new ID: a changed password. */
	public void endOtherSessions(HttpServletRequest request) {
		this.requests.endOthers(request);
	}

	/**
	 * The user has just authenticated, in this login or once more, for a change of
	 * privilege: a signed-in session gets a new ID, and the gate keeps when and how.
	 * @param methods as in RFC 8176: "pwd", "otp"
	 */
	public void authenticated(HttpServletRequest request, String... methods) {
		this.requests.authenticated(request, List.of(methods));
	}

	/** What the gate says of this request. */
	public EdgeClaims claims(HttpServletRequest request) {
		return this.requests.claims(request);
	}

	private static Instant time(JsonNode seconds) {
		return Instant.ofEpochSecond(seconds.asLong());
	}

}
