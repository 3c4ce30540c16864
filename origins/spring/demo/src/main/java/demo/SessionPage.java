package demo;

import java.time.Duration;
import java.time.Instant;
import java.util.Collection;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;

import demo.People.Person;
import dev.edgesession.spring.EdgeClaims;
import dev.edgesession.spring.SessionInfo;
import jakarta.servlet.http.HttpSession;

import static demo.Html.escape;
import static demo.Html.moment;

/** Who is signed in, since when, until when, and what can be done about it. */
record SessionPage(EdgeClaims claims, Person person, Collection<Person> people, List<SessionInfo> sessions, Instant unlocked) {

	private static final Map<String, String> DONE = Map.of("added", "Note added, in one atomic update.", "removed", "Note removed.", "full",
			"The session is full. Remove a note first; what is large belongs into a database.", "unlocked",
			"Password confirmed. The session has a new ID; the old one is dead.", "locked", "Locked again, with a new ID.", "sent", "Money sent.",
			"impossible", "That transfer is not possible.", "ended", "That session has ended. Its browser is signed out with its next click.");

	String html(HttpSession session, String done) {
		Instant now = Instant.now();
		return """
				<div class="columns" id="session" data-now="%d">
				<div>
				%s
				<h1>%s</h1>
				<p class="lead">Signed in since %s.</p>
				<section class="deadlines" aria-label="Deadlines">
				%s
				%s
				</section>
				<p class="ended" id="ended" hidden>This session is over. <a href="/session">Sign in again</a></p>
				<section>
				<h2>This session</h2>
				<dl>
				<div><dt>Account</dt><dd><code>%s</code></dd></div>
				<div><dt>Handle</dt><dd><code>%s</code></dd></div>
				<div><dt>Last authenticated</dt><dd>%s, %s</dd></div>
				<div><dt>Store last asked</dt><dd>%s</dd></div>
				<div><dt>Last new ID</dt><dd id="rotated">the live log knows</dd></div>
				</dl>
				</section>
				%s
				%s
				%s
				<section>
				<h2>What the application was told</h2>
				<p>The claims of the signed <code>Edge-Session-Assertion</code> that came with this request. There is no session ID among them.</p>
				<pre tabindex="0">%s</pre>
				</section>
				</div>
				<aside aria-labelledby="log-title">
				<h2 id="log-title">Live</h2>
				<p>The gate’s log, and the requests that reach the application.</p>
				<ol class="log" id="log" data-source="/live" aria-live="off"></ol>
				</aside>
				</div>""".formatted(now.getEpochSecond(), Html.notice(DONE.get((done != null) ? done : "")), escape(this.person.name),
				moment(this.claims.created()), deadline("idle", "Idle", "until it ends, unless you do something", this.claims.idleDeadline(), now),
				deadline("absolute", "Absolute", "until it ends, whatever you do", this.claims.absoluteDeadline(), this.claims.created()),
				escape(this.claims.subject()), escape(this.claims.sid()), moment(this.claims.authTime()), escape(String.join(" and ", this.claims.amr())),
				moment(this.claims.checked()), notes(session), transfer(), list(), escape(this.claims.json().toPrettyString()));
	}

	private static String deadline(String id, String label, String text, Instant at, Instant from) {
		return """
				<div class="deadline">
				<h2>%s</h2>
				<output class="big" id="%s" data-at="%d" data-span="%d">%s</output>
				<meter min="0" max="1" value="1" aria-hidden="true"></meter>
				<p>%s</p>
				</div>""".formatted(label, id, at.getEpochSecond(), Math.max(1, Duration.between(from, at).toSeconds()), moment(at), text);
	}

	private static String notes(HttpSession session) {
		String rows = Collections.list(session.getAttributeNames())
			.stream()
			.filter((name) -> name.startsWith("note-"))
			.map((name) -> """
					<li><span>%2$s</span><form method="post" action="/notes/remove"><input type="hidden" name="name" value="%1$s">
					<button class="plain" aria-label="Remove the note %2$s">Remove</button></form></li>""".formatted(escape(name),
					escape(session.getAttribute(name))))
			.collect(Collectors.joining());
		return """
				<section id="notes">
				<h2>Notes</h2>
				<p>Attributes of the HttpSession, kept by the gate.</p>
				%s
				<form method="post" action="/notes" class="row"><input name="text" aria-label="New note" placeholder="New note" maxlength="100" required><button>Add</button></form>
				</section>""".formatted(rows.isEmpty() ? "" : "<ul class=\"rows\">" + rows + "</ul>");
	}

	private String transfer() {
		String others = this.people.stream()
			.filter((one) -> one != this.person)
			.map((one) -> "<option value=\"%s\">%s</option>".formatted(escape(one.id), escape(one.name)))
			.collect(Collectors.joining());
		String send = """
				<form method="post" action="/transfer" class="row">
				<input name="amount" type="number" min="1" max="%d" value="10" aria-label="Coins" required>
				<select name="to" aria-label="To">%s</select>
				<button>Send</button></form>
				<form method="post" action="/lock" class="after"><p>Unlocked until %s.</p><button class="plain">Lock now</button></form>""";
		return """
				<section id="transfer">
				<h2>Money</h2>
				<p>You have <b id="balance">%d</b> coins. The attacker’s page would like some.</p>
				%s
				</section>""".formatted(this.person.balance(), (this.unlocked != null) ? send.formatted(this.person.balance(), others, moment(this.unlocked))
				: "<p><a class=\"button quiet\" href=\"/confirm\">Confirm your password to send</a></p>");
	}

	private String list() {
		String rows = this.sessions.stream()
			.map((one) -> "<li><span>Since %s<br><small>idle until %s</small></span>%s</li>".formatted(moment(one.created()), moment(one.idle()),
					one.sid().equals(this.claims.sid()) ? "<b class=\"tag\">this one</b>"
							: "<form method=\"post\" action=\"/sessions/end\"><input type=\"hidden\" name=\"sid\" value=\"" + escape(one.sid())
									+ "\"><button class=\"plain\">End</button></form>"))
			.collect(Collectors.joining());
		return """
				<section id="sessions">
				<h2>Where you are signed in</h2>
				<ul class="rows">%s</ul>
				<form method="post" action="/sessions/end-all"><button class="danger">Sign out everywhere</button></form>
				</section>""".formatted(rows);
	}

}
