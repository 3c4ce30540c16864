package dev.edgesession.spring.security;

import java.util.Collections;

import jakarta.servlet.http.HttpServletRequest;
import jakarta.servlet.http.HttpServletResponse;
import jakarta.servlet.http.HttpSession;

import org.springframework.http.MediaType;
import org.springframework.security.web.savedrequest.RequestCache;
import org.springframework.security.web.savedrequest.SavedRequest;
import org.springframework.security.web.savedrequest.SimpleSavedRequest;
import org.springframework.security.web.util.UrlUtils;
import org.springframework.security.web.util.matcher.MediaTypeRequestMatcher;
import org.springframework.util.StringUtils;

/**
 * Where to go after a login: the address alone. Spring Security's own cache keeps all
 * headers and cookies of the request, which do not fit. Which requests are kept is as in
 * Spring Security: pages that are asked for by GET.
 */
public class UrlRequestCache implements RequestCache {

	private static final String ATTRIBUTE = "SPRING_SECURITY_SAVED_REQUEST";

	/** A longer address leads to the page after a login, and not to an error because the session is full. */
	private static final int LONGEST = 1000;

	/** Without it the session is not looked at. */
	private static final String CONTINUE = "continue";

	private static final MediaTypeRequestMatcher NO_PAGE = new MediaTypeRequestMatcher(MediaType.APPLICATION_JSON,
			MediaType.MULTIPART_FORM_DATA, MediaType.TEXT_EVENT_STREAM);

	static {
		NO_PAGE.setIgnoredMediaTypes(Collections.singleton(MediaType.ALL));
	}

	@Override
	public void saveRequest(HttpServletRequest request, HttpServletResponse response) {
		String url = UrlUtils.buildFullRequestUrl(request.getScheme(), request.getServerName(), request.getServerPort(), request.getRequestURI(),
				query(request.getQueryString()));
		if (isPage(request) && url.length() <= LONGEST) {
			request.getSession().setAttribute(ATTRIBUTE, new SimpleSavedRequest(url));
		}
	}

	@Override
	public SavedRequest getRequest(HttpServletRequest request, HttpServletResponse response) {
		HttpSession session = request.getSession(false);
		return (session != null) ? (SavedRequest) session.getAttribute(ATTRIBUTE) : null;
	}

	/** Forgets the address once it is visited. The request is as it is: nothing was kept to add to it. */
	@Override
	public HttpServletRequest getMatchingRequest(HttpServletRequest request, HttpServletResponse response) {
		if (StringUtils.hasText(request.getQueryString()) && request.getQueryString().matches("(.*&)?" + CONTINUE + "(&.*)?")) {
			SavedRequest saved = getRequest(request, response);
			if (saved != null && saved.getRedirectUrl().equals(UrlUtils.buildFullRequestUrl(request))) {
				removeRequest(request, response);
			}
		}
		return null;
	}

	@Override
	public void removeRequest(HttpServletRequest request, HttpServletResponse response) {
		HttpSession session = request.getSession(false);
		if (session != null) {
			session.removeAttribute(ATTRIBUTE);
		}
	}

	private static String query(String query) {
		String others = (query == null) ? "" : query.replaceAll("(^|&)" + CONTINUE + "(?=&|$)", "");
		return others.isEmpty() ? CONTINUE : others + "&" + CONTINUE;
	}

	private static boolean isPage(HttpServletRequest request) {
		String path = request.getRequestURI();
		return "GET".equals(request.getMethod()) && !"XMLHttpRequest".equals(request.getHeader("X-Requested-With"))
				&& !path.substring(path.lastIndexOf('/') + 1).startsWith("favicon.") && !NO_PAGE.matches(request);
	}

}
