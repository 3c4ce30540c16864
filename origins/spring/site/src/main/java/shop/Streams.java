package shop;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;

import jakarta.servlet.http.HttpServletRequest;
import jakarta.servlet.http.HttpServletResponse;
import jakarta.servlet.http.HttpSession;

import org.springframework.stereotype.Controller;
import org.springframework.web.bind.annotation.GetMapping;
import org.springframework.web.bind.annotation.RequestParam;
import org.springframework.web.bind.annotation.ResponseBody;
import org.springframework.web.servlet.mvc.method.annotation.StreamingResponseBody;

/** Answers that are late, long, or made in another thread. */
@Controller
class Streams {

	private final Map<String, CountDownLatch> held = new ConcurrentHashMap<>();

	private CountDownLatch named(String name) {
		return this.held.computeIfAbsent(name, (ignored) -> new CountDownLatch(1));
	}

	@GetMapping("/stream")
	StreamingResponseBody stream(HttpSession session, HttpServletResponse response, @RequestParam(defaultValue = "false") boolean begin,
			@RequestParam(defaultValue = "") String then) {
		if (begin) {
			session.setAttribute("begun", true);
		}
		return (body) -> {
			body.write("begun\n".getBytes(StandardCharsets.UTF_8));
			response.flushBuffer(); // Boot 4 sends nothing for body.flush()
			switch (then) {
				case "remove" -> session.removeAttribute("before");
				case "end" -> session.invalidate();
				default -> session.setAttribute("streamed", "yes");
			}
			body.write("done\n".getBytes(StandardCharsets.UTF_8));
		};
	}

	/** A filter or listener may still write the session when the redirect has been sent. */
	@GetMapping("/hurry")
	void hurry(HttpSession session, HttpServletResponse response) throws IOException {
		session.setAttribute("before", 1);
		response.sendRedirect("/plain");
		session.setAttribute("after", 2);
	}

	@GetMapping("/callable")
	@ResponseBody
	Callable<String> callable(HttpServletRequest request) {
		return () -> {
			request.getSession().setAttribute("called", true);
			return "called";
		};
	}

	/** Changes the session, and answers only when it is released. */
	@GetMapping("/late")
	@ResponseBody
	String late(HttpSession session, @RequestParam String name) throws InterruptedException {
		session.setAttribute("late", true);
		named(name + " here").countDown();
		named(name).await(20, TimeUnit.SECONDS);
		return "late";
	}

	@GetMapping("/release")
	@ResponseBody
	String release(@RequestParam String name) {
		named(name).countDown();
		return "ok";
	}

	@GetMapping("/await")
	@ResponseBody
	String await(@RequestParam String name) throws InterruptedException {
		named(name + " here").await(20, TimeUnit.SECONDS);
		return "ok";
	}

}
