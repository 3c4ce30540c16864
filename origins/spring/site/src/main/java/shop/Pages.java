package shop;

import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.security.Principal;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.atomic.AtomicInteger;

import jakarta.servlet.http.HttpServletRequest;
import jakarta.servlet.http.HttpServletResponse;
import jakarta.servlet.http.HttpSession;

import org.springframework.http.CacheControl;
import org.springframework.http.ResponseEntity;
import org.springframework.security.authentication.UsernamePasswordAuthenticationToken;
import org.springframework.security.core.authority.AuthorityUtils;
import org.springframework.security.core.context.SecurityContextHolder;
import org.springframework.security.web.csrf.CsrfToken;
import org.springframework.stereotype.Controller;
import org.springframework.ui.Model;
import org.springframework.web.bind.annotation.GetMapping;
import org.springframework.web.bind.annotation.PostMapping;
import org.springframework.web.bind.annotation.RequestBody;
import org.springframework.web.bind.annotation.RequestMapping;
import org.springframework.web.bind.annotation.RequestParam;
import org.springframework.web.bind.annotation.ResponseBody;
import org.springframework.web.servlet.mvc.support.RedirectAttributes;

/** Pages as applications have them, and a few that tests need to look inside. None knows of edge-session. */
@Controller
class Pages {

	private static final List<String> SPRINGS_OWN = List.of("SPRING_SECURITY", "org.springframework");

	private final Visit visit;

	Pages(Visit visit) {
		this.visit = visit;
	}

	/** Unsafe requests that came this far. */
	static final AtomicInteger reached = new AtomicInteger();

	/** Tells the session; `set` and `unset` of a JSON body change it. */
	@RequestMapping("/data")
	@ResponseBody
	Map<String, Object> data(HttpServletRequest request, Principal user, CsrfToken token, @RequestBody(required = false) Map<String, Object> change) {
		if (change != null) {
			reached.incrementAndGet();
			HttpSession session = request.getSession();
			map(change.get("set")).forEach(session::setAttribute);
			((List<?>) change.getOrDefault("unset", List.of())).forEach((name) -> session.removeAttribute((String) name));
		}
		return state(request, user, token);
	}

	private static Map<String, Object> state(HttpServletRequest request, Principal user, CsrfToken token) {
		Map<String, Object> state = new LinkedHashMap<>();
		HttpSession session = request.getSession(false);
		state.put("user", (user != null) ? user.getName() : "");
		state.put("key", (session != null) ? session.getId() : null);
		state.put("token", token.getToken());
		Map<String, Object> kept = new LinkedHashMap<>();
		if (session != null) {
			for (String name : Collections.list(session.getAttributeNames())) {
				if (SPRINGS_OWN.stream().noneMatch(name::startsWith)) {
					Object value = session.getAttribute(name);
					kept.put(name, (value instanceof Basket) ? value.toString() : value);
				}
			}
			state.put("age", session.getMaxInactiveInterval());
		}
		state.put("data", kept);
		return state;
	}

	@SuppressWarnings("unchecked")
	private static Map<String, Object> map(Object value) {
		return (value != null) ? (Map<String, Object>) value : Map.of();
	}

	@GetMapping({ "/private", "/admin", "/danger" })
	@ResponseBody
	String page(Principal user) {
		return "the page of " + user.getName();
	}

	/** A page that only looks whether there is a session. */
	@GetMapping("/quiet")
	@ResponseBody
	String quiet(HttpSession session) {
		return "items: " + Collections.list(session.getAttributeNames()).size();
	}

	@GetMapping("/plain")
	@ResponseBody
	String plain() {
		return "plain";
	}

	/** The usual way to give a visitor's cart a key. */
	@GetMapping("/cart")
	@ResponseBody
	String cart(HttpSession session) {
		return session.getId();
	}

	@GetMapping("/bump")
	@ResponseBody
	String bump(HttpSession session, @RequestParam String name) {
		session.setAttribute(name, 1);
		return "ok";
	}

	/** Typed attributes, as applications keep them. */
	@PostMapping("/basket")
	@ResponseBody
	String fill(HttpSession session, @RequestParam String item) {
		Basket basket = (Basket) session.getAttribute("basket");
		if (basket == null) {
			basket = new Basket();
			session.setAttribute("basket", basket);
		}
		basket.add(item); // changed in place
		return basket.toString();
	}

	@GetMapping("/basket")
	@ResponseBody
	String basket(HttpSession session) {
		return String.valueOf(session.getAttribute("basket"));
	}

	@GetMapping("/visit")
	@ResponseBody
	String visit() {
		return "page " + this.visit.count();
	}

	@PostMapping("/notice")
	String notice(RedirectAttributes flash) {
		flash.addFlashAttribute("notice", "Gespeichert: Grüße");
		return "redirect:/notice";
	}

	@GetMapping("/notice")
	@ResponseBody
	String showNotice(Model model) {
		return String.valueOf(model.getAttribute("notice"));
	}

	@PostMapping("/sudo")
	@ResponseBody
	Map<String, Object> sudo(HttpServletRequest request, Principal user, CsrfToken token) {
		request.getSession().setAttribute("sudo", true);
		request.changeSessionId();
		return state(request, user, token);
	}

	@PostMapping("/patience")
	@ResponseBody
	String patience(HttpSession session, @RequestParam int seconds) {
		session.setMaxInactiveInterval(seconds);
		return "ok";
	}

	@GetMapping("/cached")
	ResponseEntity<String> cached(HttpSession session, Principal user) {
		return ResponseEntity.ok()
			.cacheControl(CacheControl.maxAge(Duration.ofMinutes(1)).cachePublic())
			.body("the page of " + ((user != null) ? user.getName() : "nobody"));
	}

	@GetMapping("/where")
	@ResponseBody
	Map<String, Object> where(HttpServletRequest request) {
		Map<String, String> headers = new LinkedHashMap<>();
		for (String name : Collections.list(request.getHeaderNames())) {
			headers.put(name, request.getHeader(name));
		}
		List<String> cookies = new ArrayList<>();
		if (request.getCookies() != null) {
			for (var cookie : request.getCookies()) {
				cookies.add(cookie.getName());
			}
		}
		List<String> hidden = Collections.list(request.getHeaders("Edge-Session-Assertion"));
		return Map.of("hidden", hidden, "url", request.getRequestURL().toString(), "secure", request.isSecure(), "host", request.getServerName(), "port",
				request.getServerPort(), "headers", headers, "cookies", cookies);
	}

	/** For this request only, as many a filter of an application does it. */
	@GetMapping("/as")
	@ResponseBody
	String as(@RequestParam String user, @RequestParam String role) {
		SecurityContextHolder.getContext()
			.setAuthentication(UsernamePasswordAuthenticationToken.authenticated(user, null, AuthorityUtils.createAuthorityList(role)));
		return "as " + user;
	}

	@GetMapping("/away")
	void away(HttpServletResponse response, @RequestParam String to) throws IOException {
		response.sendRedirect(to);
	}

	@PostMapping("/upload")
	@ResponseBody
	String upload(InputStream body, HttpSession session) throws IOException {
		long size = body.transferTo(OutputStream.nullOutputStream());
		session.setAttribute("uploaded", size);
		return String.valueOf(size);
	}

	@GetMapping("/fails")
	@ResponseBody
	String fails(HttpServletRequest request, HttpServletResponse response, @RequestParam(defaultValue = "throw") String how) throws Exception {
		request.getSession().setAttribute("lost", true);
		switch (how) {
			case "logout" -> request.logout();
			case "huge" -> {
				request.getSession().setAttribute("huge", "x".repeat(3000));
				return "not an error?";
			}
			case "type" -> {
				request.getSession().setAttribute("thread", Thread.currentThread());
				return "not an error?";
			}
			case "answer" -> {
				response.setStatus(500);
				return "an error page of its own";
			}
			case "status" -> {
				response.sendError(503);
				return null;
			}
			default -> {
			}
		}
		throw new IllegalStateException("on purpose");
	}

}
