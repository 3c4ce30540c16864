package demo;

import java.util.stream.Collectors;

import dev.edgesession.spring.EdgeSessions;
import jakarta.servlet.http.HttpServletRequest;
import jakarta.servlet.http.HttpSession;

import org.springframework.stereotype.Controller;
import org.springframework.web.bind.annotation.GetMapping;
import org.springframework.web.bind.annotation.PostMapping;
import org.springframework.web.bind.annotation.RequestParam;
import org.springframework.web.bind.annotation.ResponseBody;

import static demo.Html.escape;

/** Pages that need nobody signed in. */
@Controller
class Open {

	private final EdgeSessions sessions;

	private final People people;

	private final Html html;

	Open(EdgeSessions sessions, People people, Html html) {
		this.sessions = sessions;
		this.people = people;
		this.html = html;
	}

	@GetMapping(path = "/", produces = "text/html;charset=UTF-8")
	@ResponseBody
	String home(HttpServletRequest request, @RequestParam(required = false) String done) {
		var claims = this.sessions.claims(request);
		HttpSession session = request.getSession(false);
		Object count = (session != null) ? session.getAttribute("count") : null;
		return this.html.page("Start", "/", claims, """
				<div class="narrow">
				%s
				<h1>A session gate, on your machine</h1>
				<p class="lead">Every request to this address is checked before the application behind it, which is Spring Boot with Spring
				Security, hears of it. The application keeps no sessions: its HttpSession comes with each request.</p>
				<p>%s</p>
				<section>
				<h2>Without signing in</h2>
				<p>A session needs no user. The first click makes an anonymous one, and signing in takes the number along.</p>
				<form method="post" action="/counter" class="row"><output class="big" id="count">%s</output><button>Count</button></form>
				</section>
				</div>""".formatted(Html.notice("everywhere".equals(done) ? "You are signed out everywhere." : null),
				(claims.subject() != null) ? "<a class=\"button\" href=\"/session\">See your session</a>"
						: "<a class=\"button\" href=\"/login\">Sign in</a>",
				(count != null) ? count : 0));
	}

	/** The first click makes an anonymous session, later ones change its data. */
	@PostMapping("/counter")
	String count(HttpSession session) {
		Integer count = (Integer) session.getAttribute("count");
		session.setAttribute("count", (count != null) ? count + 1 : 1);
		return "redirect:/";
	}

	@GetMapping(path = "/login", produces = "text/html;charset=UTF-8")
	@ResponseBody
	String login(HttpServletRequest request, @RequestParam(name = "return_to", required = false) String returnTo, @RequestParam(required = false) String failed) {
		String names = this.people.all()
			.stream()
			.map((one) -> "<option value=\"%s\">%s</option>".formatted(escape(one.login), escape(one.name)))
			.collect(Collectors.joining());
		return this.html.page("Sign in", "/login", this.sessions.claims(request), """
				<div class="narrow">
				<h1>Sign in</h1>
				<p>This is a demonstration: the password is <code>%1$s</code> for everybody.</p>
				<form method="post" action="/login" class="stack">
				%2$s
				%3$s
				<label>Who are you?
				<select name="user" autocomplete="username">%4$s</select></label>
				<label>Password
				<input name="password" type="password" autocomplete="current-password" required></label>
				<label class="check"><input name="remember" type="checkbox"> Remember me on this device</label>
				<button>Sign in</button>
				</form>
				</div>""".formatted(People.PASSWORD,
				(failed != null) ? "<p class=\"notice bad\" role=\"alert\">Wrong password. It is <code>" + People.PASSWORD + "</code>.</p>" : "",
				(returnTo != null) ? "<input type=\"hidden\" name=\"return_to\" value=\"" + escape(returnTo) + "\">" : "", names));
	}

}
