package shop;

import dev.edgesession.spring.EdgeClaims;
import dev.edgesession.spring.EdgeSessions;
import jakarta.servlet.http.HttpServletRequest;
import jakarta.servlet.http.HttpSession;

import org.springframework.stereotype.Controller;
import org.springframework.web.bind.annotation.GetMapping;
import org.springframework.web.bind.annotation.PostMapping;
import org.springframework.web.bind.annotation.RequestParam;
import org.springframework.web.bind.annotation.ResponseBody;

/** What only edge-session can do. */
@Controller
class Account {

	private final EdgeSessions sessions;

	Account(EdgeSessions sessions) {
		this.sessions = sessions;
	}

	@PostMapping("/everywhere")
	String everywhere(HttpServletRequest request) {
		this.sessions.logoutEverywhere(request);
		return "redirect:/login?logout";
	}

	@PostMapping("/password")
	@ResponseBody
	String password(HttpServletRequest request) {
		this.sessions.endOtherSessions(request);
		return "changed";
	}

	/** A second factor. */
	@PostMapping("/otp")
	@ResponseBody
	String otp(HttpServletRequest request) {
		this.sessions.authenticated(request, "pwd", "otp");
		return request.getSession().getId();
	}

	@GetMapping("/claims")
	@ResponseBody
	String claims(HttpServletRequest request) {
		EdgeClaims claims = this.sessions.claims(request);
		return claims.subject() + " " + claims.sid() + " " + String.join("+", claims.amr()) + " " + claims.created() + " " + claims.absoluteDeadline();
	}

	/** Stands for a job: it is called past the gate. */
	@GetMapping("/job")
	@ResponseBody
	String job(@RequestParam String user, @RequestParam(defaultValue = "") String end) {
		return switch (end) {
			case "" -> String.valueOf(this.sessions.listSessions(user).size());
			case "all" -> {
				this.sessions.endSessions(user);
				yield "ended";
			}
			default -> String.valueOf(this.sessions.endSession(user, end));
		};
	}

	@GetMapping("/healthz")
	@ResponseBody
	String health(HttpServletRequest request, @RequestParam(defaultValue = "false") boolean session) {
		if (session) {
			HttpSession begun = request.getSession();
			begun.setAttribute("x", 1);
		}
		return "healthy " + Pages.reached.get();
	}

}
