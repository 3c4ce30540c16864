package demo;

import java.security.Principal;
import java.time.Instant;
import java.util.Collections;
import java.util.UUID;

import demo.People.Person;
import dev.edgesession.spring.EdgeSessions;
import jakarta.servlet.http.HttpServletRequest;
import jakarta.servlet.http.HttpSession;

import org.springframework.stereotype.Controller;
import org.springframework.web.bind.annotation.GetMapping;
import org.springframework.web.bind.annotation.PostMapping;
import org.springframework.web.bind.annotation.RequestParam;
import org.springframework.web.bind.annotation.ResponseBody;

/** The pages of somebody who is signed in. */
@Controller
class Account {

	private static final int UNLOCKED_FOR = 300;

	private static final int NOTES = 6;

	private final EdgeSessions sessions;

	private final People people;

	private final Html html;

	Account(EdgeSessions sessions, People people, Html html) {
		this.sessions = sessions;
		this.people = people;
		this.html = html;
	}

	@GetMapping(path = "/session", produces = "text/html;charset=UTF-8")
	@ResponseBody
	String session(HttpServletRequest request, Principal user, @RequestParam(required = false) String done) {
		var claims = this.sessions.claims(request);
		Person person = this.people.get(user.getName());
		var page = new SessionPage(claims, person, this.people.all(), this.sessions.listSessions(user.getName()), unlocked(request.getSession()));
		return this.html.page("Session", "/session", claims, page.html(request.getSession(), done));
	}

	/** Each note is an attribute of its own, so that two tabs that add one at the same time both succeed. */
	@PostMapping("/notes")
	String add(HttpSession session, @RequestParam(defaultValue = "") String text) {
		long kept = Collections.list(session.getAttributeNames()).stream().filter((name) -> name.startsWith("note-")).count();
		if (text.isBlank() || kept >= NOTES) {
			return "redirect:/session?done=" + (text.isBlank() ? "" : "full") + "#notes";
		}
		session.setAttribute("note-" + UUID.randomUUID().toString().substring(0, 8), text.strip().substring(0, Math.min(100, text.strip().length())));
		return "redirect:/session?done=added#notes";
	}

	@PostMapping("/notes/remove")
	String remove(HttpSession session, @RequestParam String name) {
		if (name.startsWith("note-")) {
			session.removeAttribute(name);
		}
		return "redirect:/session?done=removed#notes";
	}

	@GetMapping(path = "/confirm", produces = "text/html;charset=UTF-8")
	@ResponseBody
	String confirm(HttpServletRequest request, Principal user, @RequestParam(required = false) String failed) {
		return this.html.page("Confirm", "/confirm", this.sessions.claims(request), """
				<div class="narrow">
				<h1>Confirm it’s you</h1>
				<p>Sending money needs your password again. Afterwards your session has a new ID.</p>
				<form method="post" action="/confirm" class="stack">
				%s
				<label>Password of %s
				<input name="password" type="password" autocomplete="current-password" required autofocus></label>
				<button>Confirm</button>
				</form>
				</div>""".formatted(
				(failed != null) ? "<p class=\"notice bad\" role=\"alert\">Wrong password. It is <code>" + People.PASSWORD + "</code>.</p>" : "",
				Html.escape(this.people.get(user.getName()).name)));
	}

	/** More rights mean a new ID: one that leaked before this moment is worth nothing now. */
	@PostMapping("/confirm")
	String confirm(HttpServletRequest request, @RequestParam(defaultValue = "") String password) {
		if (!password.equals(People.PASSWORD)) {
			return "redirect:/confirm?failed";
		}
		this.sessions.authenticated(request, "pwd");
		request.getSession().setAttribute("unlocked_until", Instant.now().getEpochSecond() + UNLOCKED_FOR);
		return "redirect:/session?done=unlocked#transfer";
	}

	@PostMapping("/lock")
	String lock(HttpServletRequest request) {
		request.getSession().removeAttribute("unlocked_until");
		request.changeSessionId();
		return "redirect:/session?done=locked#transfer";
	}

	@PostMapping("/transfer")
	String transfer(HttpSession session, Principal user, @RequestParam String to, @RequestParam(defaultValue = "0") int amount) {
		if (unlocked(session) == null) {
			return "redirect:/confirm";
		}
		boolean sent = this.people.transfer(this.people.get(user.getName()), this.people.get(to), amount);
		return "redirect:/session?done=" + (sent ? "sent" : "impossible") + "#transfer";
	}

	@PostMapping("/sessions/end")
	String end(Principal user, @RequestParam String sid) {
		this.sessions.endSession(user.getName(), sid);
		return "redirect:/session?done=ended#sessions";
	}

	@PostMapping("/sessions/end-all")
	String endAll(HttpServletRequest request) {
		this.sessions.logoutEverywhere(request);
		return "redirect:/?done=everywhere";
	}

	/** Until when money can be sent, or null. */
	private static Instant unlocked(HttpSession session) {
		Long until = (Long) session.getAttribute("unlocked_until");
		return (until != null && until > Instant.now().getEpochSecond()) ? Instant.ofEpochSecond(until) : null;
	}

}
