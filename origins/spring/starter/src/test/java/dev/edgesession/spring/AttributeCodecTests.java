package dev.edgesession.spring;

import java.math.BigDecimal;
import java.net.URI;
import java.time.Duration;
import java.time.Instant;
import java.time.LocalDate;
import java.time.ZoneId;
import java.time.ZonedDateTime;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.EnumSet;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.UUID;
import java.util.stream.Stream;

import com.fasterxml.jackson.annotation.JsonIgnore;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.Module;
import com.fasterxml.jackson.datatype.jsr310.JavaTimeModule;
import dev.edgesession.spring.security.RememberMeContext;
import dev.edgesession.spring.security.SecurityAttributeModules;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

import org.springframework.security.FailureByCode;
import org.springframework.security.authentication.AuthenticationServiceException;
import org.springframework.security.authentication.BadCredentialsException;
import org.springframework.security.authentication.LockedException;
import org.springframework.security.authentication.RememberMeAuthenticationToken;
import org.springframework.security.authentication.UsernamePasswordAuthenticationToken;
import org.springframework.security.authentication.ott.OneTimeTokenAuthenticationToken;
import org.springframework.security.core.Authentication;
import org.springframework.security.core.GrantedAuthority;
import org.springframework.security.core.authority.AuthorityUtils;
import org.springframework.security.core.authority.SimpleGrantedAuthority;
import org.springframework.security.core.context.SecurityContext;
import org.springframework.security.core.context.SecurityContextImpl;
import org.springframework.security.core.userdetails.User;
import org.springframework.security.core.userdetails.UserDetails;
import org.springframework.security.web.authentication.switchuser.SwitchUserGrantedAuthority;
import org.springframework.security.web.csrf.DefaultCsrfToken;
import org.springframework.security.web.savedrequest.SimpleSavedRequest;
import org.springframework.web.servlet.FlashMap;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

/** Session attributes as JSON and back. */
@SuppressWarnings({ "deprecation", "removal" }) // Spring Security 7 has another class for a login by a one-time token, and still knows the one of 6.5
class AttributeCodecTests {

	enum Size {

		SMALL, LARGE

	}

	record Item(String name, BigDecimal price, Size size, Item with) {

	}

	static class Forgetful {

		private final transient Object secret = new Object();

		private int a = 1;

	}

	static class Sum {

		private final int a;

		@JsonIgnore
		private final String hidden = new String("hidden from other JSON");

		Sum(int a, int b) {
			this.a = a + b;
		}

		public int getComputed() {
			throw new IllegalStateException("getters are not asked");
		}

	}

	static class ShopUser extends User {

		private final Long id;

		ShopUser(Long id, UserDetails user) {
			super(user.getUsername(), user.getPassword(), user.getAuthorities());
			this.id = id;
		}

	}

	static class OwnFailure extends LockedException {

		OwnFailure(int code) {
			super("code " + code);
		}

	}

	private final AttributeCodec codec = codec("dev.edgesession.spring");

	private static AttributeCodec codec(String... types) {
		List<Module> modules = new ArrayList<>(List.of(new JavaTimeModule(), new FlashMapModule()));
		modules.addAll(new SecurityAttributeModules().get());
		return new AttributeCodec(List.of(types), modules);
	}

	private Object back(Object value) {
		return this.codec.decode("x", this.codec.encode("x", value));
	}

	static Stream<Object> values() {
		Map<String, Object> nested = new HashMap<>(Map.of("list", List.of(1, 2L, "x"), "~", "~~u.ArrayList"));
		nested.put("nothing", null);
		return Stream.of("text", "", "~u.x", "java.util.ArrayList", 1, Integer.MIN_VALUE, 5L, Long.MAX_VALUE, 0.5, 1.5f, (short) 3, true, 'c',
				new BigDecimal("9.90"), Size.LARGE, new Item("tea", new BigDecimal("1.20"), Size.SMALL, null), UUID.fromString("00000000-0000-4000-8000-000000000000"),
				Locale.GERMANY, URI.create("https://app.example.com/"), Instant.parse("2026-01-02T03:04:05.000000007Z"), LocalDate.of(2026, 1, 2), Duration.ofSeconds(90),
				ZonedDateTime.of(2026, 1, 2, 3, 4, 5, 0, ZoneId.of("Europe/Berlin")), List.of(), List.of("a"), List.of(1, 2L), new ArrayList<>(List.of("~u.Date", "x")), Arrays.asList(1, null),
				Set.of("a", "b", "c"), new LinkedHashSet<>(List.of(3, 1, 2)), EnumSet.of(Size.LARGE), Map.of("a", 1L), new TreeMap<>(Map.of("b", 1, "a", 2)), nested,
				Collections.unmodifiableList(new ArrayList<>(List.of(1))), Collections.emptyMap());
	}

	@ParameterizedTest
	@MethodSource("values")
	void whatApplicationsKeepComesBackAsItWas(Object value) {
		assertThat(back(value)).isEqualTo(value);
		if (!(value instanceof Iterable || value instanceof Map)) {
			assertThat(back(value)).hasSameClassAs(value);
		}
	}

	@Test
	void arraysComeBack() {
		assertThat(back(new int[] { 1, 2 })).isEqualTo(new int[] { 1, 2 });
		assertThat(back(new byte[] { 1, -2 })).isEqualTo(new byte[] { 1, -2 });
		assertThat(back(new String[] { "a", null })).isEqualTo(new String[] { "a", null });
	}

	@Test
	void whoIsSignedInComesBackInLessThan700Bytes() {
		UserDetails user = User.withUsername("user-17").password("secret").roles("USER").build();
		((User) user).eraseCredentials();
		SecurityContext context = new SecurityContextImpl(UsernamePasswordAuthenticationToken.authenticated(user, null, user.getAuthorities()));
		assertThat(back(context)).isEqualTo(context);
		assertThat(((SecurityContext) back(context)).getAuthentication().getPrincipal()).isEqualTo(user);
		assertThat(SessionData.size(this.codec.encode("x", context))).isLessThan(700);
	}

	@Test
	void aPrincipalOfTheApplicationsOwnClassComesBack() {
		ShopUser user = new ShopUser(17L, User.withUsername("alice").password("x").roles("USER").build());
		user.eraseCredentials();
		SecurityContext context = new SecurityContextImpl(UsernamePasswordAuthenticationToken.authenticated(user, null, user.getAuthorities()));
		Object principal = ((SecurityContext) back(context)).getAuthentication().getPrincipal();
		assertThat(principal).isExactlyInstanceOf(ShopUser.class).usingRecursiveComparison().isEqualTo(user);
	}

	@Test
	void theFieldsOfTheApplicationsOwnClassesSayAll() {
		assertThat(back(new Sum(1, 2))).usingRecursiveComparison().isEqualTo(new Sum(1, 2));
		assertThat(this.codec.encode("x", new Sum(1, 2)).toString()).contains("hidden from other JSON").doesNotContain("computed");
	}

	@Test
	void whyALoginFailedComesBackAndNothingElseOfTheException() {
		assertThat((Throwable) back(new BadCredentialsException("Bad credentials"))).isInstanceOf(BadCredentialsException.class).hasMessage("Bad credentials");
		assertThat((Throwable) back(new FailureByCode("access_denied"))).isExactlyInstanceOf(AuthenticationServiceException.class).hasMessage("[access_denied]");
		assertThat((Throwable) back(new OwnFailure(7))).isExactlyInstanceOf(LockedException.class).hasMessage("code 7");
		assertThat(this.codec.encode("x", new BadCredentialsException("no", new IllegalStateException("secret"))).toString()).doesNotContain("secret", "stackTrace");
	}

	@Test
	void aLoginByAOneTimeTokenComesBackWithoutTheToken() {
		User user = new User("alice", "", AuthorityUtils.createAuthorityList("ROLE_USER"));
		OneTimeTokenAuthenticationToken login = OneTimeTokenAuthenticationToken.authenticated(user, user.getAuthorities());
		login.setDetails("from there");
		SecurityContext context = new SecurityContextImpl(login);
		assertThat(back(context)).isEqualTo(context);
		assertThat(((SecurityContext) back(context)).getAuthentication()).isExactlyInstanceOf(OneTimeTokenAuthenticationToken.class)
			.satisfies((one) -> assertThat(one.isAuthenticated()).isTrue());
		assertThat(this.codec.encode("x", context).toString()).doesNotContain("tokenValue");
	}

	/** During an upgrade from Boot 3.5 to 4 instances of both answer the same user. */
	@Test
	void aLoginOnOneSpringSecurityIsOneOnTheOther() throws Exception {
		String user = "{'~':'~c.userdetails.User','password':null,'username':'ann','authorities':['~k.UnmodifiableSet',[{'~':'~c.authority.SimpleGrantedAuthority',"
				+ "'authority':'ROLE_USER'}]],'accountNonExpired':true,'accountNonLocked':true,'credentialsNonExpired':true,'enabled':true}";
		String role = "{'~':'~c.authority.SimpleGrantedAuthority','authority':'ROLE_USER'}";
		String factor = "{'~':'~c.authority.FactorGrantedAuthority','authority':'FACTOR_PASSWORD','issuedAt':'2026-01-02T03:04:05.678901234Z'}";
		String[] of65 = { role };
		String[] of7 = { role, factor };
		for (String[] authorities : new String[][] { of65, of7 }) {
			for (String type : new String[] { "UsernamePasswordAuthenticationToken", "ott.OneTimeTokenAuthenticationToken", "ott.OneTimeTokenAuthentication" }) {
				String written = "{'~':'~c.context.SecurityContextImpl','authentication':{'~':'~a." + type + "','authorities':['~k.UnmodifiableRandomAccessList',["
						+ String.join(",", authorities) + "]],'details':null,'authenticated':true,'principal':" + user + ",'credentials':null}}";
				SecurityContext context = (SecurityContext) this.codec.decode("x", Json.read(written.replace('\'', '"')));
				Authentication login = context.getAuthentication();
				assertThat(login.isAuthenticated()).as(type).isTrue();
				assertThat(login.getName()).as(type).isEqualTo("ann");
				assertThat(login.getPrincipal()).as(type).isInstanceOf(User.class);
				assertThat(login.getAuthorities()).as(type)
					.extracting(GrantedAuthority::getAuthority)
					.containsExactly((authorities == of7) ? new String[] { "ROLE_USER", "FACTOR_PASSWORD" } : new String[] { "ROLE_USER" });
				// Saved again by either, a factor has the time that it had; who is only remembered has proved none.
				assertThat(this.codec.encode("x", context).at("/authentication/authorities/1")).as(type).isEqualTo(Json.read("[" + String.join(",", authorities).replace('\'', '"') + "]"));
				assertThat(((SecurityContext) new RememberMeContext().seen(context)).getAuthentication().getAuthorities()).as(type)
					.extracting(GrantedAuthority::getAuthority)
					.containsExactly("ROLE_USER");
			}
		}
	}

	@Test
	void whoIsOnlyRememberedIsNoMoreThanThatAfterComingBackFromAnotherUser() {
		Authentication admin = UsernamePasswordAuthenticationToken.authenticated("ann", null, AuthorityUtils.createAuthorityList("ROLE_ADMIN"));
		List<GrantedAuthority> there = List.of(new SimpleGrantedAuthority("ROLE_USER"), new SwitchUserGrantedAuthority("ROLE_PREVIOUS_ADMINISTRATOR", admin));
		SecurityContext switched = new SecurityContextImpl(UsernamePasswordAuthenticationToken.authenticated("bob", null, there));
		Authentication seen = ((SecurityContext) new RememberMeContext().seen(switched)).getAuthentication();
		assertThat(seen.getAuthorities()).extracting(GrantedAuthority::getAuthority).containsExactly("ROLE_USER", "ROLE_PREVIOUS_ADMINISTRATOR");
		assertThat(seen.getAuthorities()).filteredOn(SwitchUserGrantedAuthority.class::isInstance)
			.singleElement()
			.satisfies((one) -> assertThat(((SwitchUserGrantedAuthority) one).getSource()).isInstanceOf(RememberMeAuthenticationToken.class)
				.extracting(Authentication::getName)
				.isEqualTo("ann"));
	}

	@Test
	void aOneTimeTokenThatNobodyHasCheckedIsNoLogin() {
		OneTimeTokenAuthenticationToken unchecked = OneTimeTokenAuthenticationToken.unauthenticated("token");
		assertThat(((SecurityContext) back(new SecurityContextImpl(unchecked))).getAuthentication().isAuthenticated()).isFalse();
		class Own extends OneTimeTokenAuthenticationToken {

			Own() {
				super("alice", AuthorityUtils.createAuthorityList("ROLE_ADMIN"));
			}

		}
		assertThatExceptionOfType(SessionDataException.class).isThrownBy(() -> back(new SecurityContextImpl(new Own())));
		OneTimeTokenAuthenticationToken strange = OneTimeTokenAuthenticationToken.authenticated(new Thread(), AuthorityUtils.NO_AUTHORITIES);
		assertThatExceptionOfType(SessionDataException.class).isThrownBy(() -> back(new SecurityContextImpl(strange)));
	}

	@Test
	void csrfTokensAndSavedRequestsComeBack() {
		DefaultCsrfToken token = (DefaultCsrfToken) back(new DefaultCsrfToken("X-CSRF-TOKEN", "_csrf", "value"));
		assertThat(token.getToken()).isEqualTo("value");
		SimpleSavedRequest saved = (SimpleSavedRequest) back(new SimpleSavedRequest("https://app.example.com/x"));
		assertThat(saved.getRedirectUrl()).isEqualTo("https://app.example.com/x");
	}

	@Test
	void flashAttributesComeBackForTheirPage() {
		FlashMap flash = new FlashMap();
		flash.put("notice", "Grüße");
		flash.put("count", 5L);
		flash.setTargetRequestPath("/there");
		flash.addTargetRequestParam("a", "b");
		flash.setExpirationTime(1_800_000_000_000L);
		assertThat(back(new ArrayList<>(List.of(flash)))).isEqualTo(List.of(flash));
	}

	@Test
	void aTypeThatIsNotAllowedIsNeitherWrittenNorRead() throws Exception {
		assertThatExceptionOfType(SessionDataException.class).isThrownBy(() -> codec().encode("item", new Item("tea", null, null, null)))
			.withMessageContaining("item")
			.withMessageContaining("allowed-types");
		for (String type : new String[] { "java.util.logging.FileHandler", "java.util.Formatter", "javax.swing.JEditorPane",
				"org.springframework.security.core.context.TransientSecurityContext", "dev.edgesession.springboard.Item", "shop.Item" }) {
			JsonNode forged = Json.read("{\"@class\":\"" + type + "\"}");
			assertThatExceptionOfType(SessionDataException.class).as(type).isThrownBy(() -> this.codec.decode("x", forged));
			JsonNode inAnArray = Json.read("[\"[L" + type + ";\",[]]");
			assertThatExceptionOfType(SessionDataException.class).as(type).isThrownBy(() -> this.codec.decode("x", inAnArray));
		}
	}

	@Test
	void whatWouldNotComeBackIsRefusedWhenItIsWritten() {
		for (Object value : new Object[] { Thread.currentThread(), new Object(), (Runnable) () -> {
		}, Double.NaN, Double.POSITIVE_INFINITY, new HashMap<>(Map.of(5L, 2)) }) {
			assertThatExceptionOfType(SessionDataException.class).as("%s", value).isThrownBy(() -> this.codec.encode("x", value));
		}
	}

	/** Maps and lists that an application took from a client's JSON. */
	@Test
	void whatAClientWroteChoosesNoType() {
		List<String> names = List.of("@class", "~", "~~", "@type", "", "class", "__proto__", "~u.Date");
		List<String> types = List.of("java.util.Date", "~u.Date", "javax.script.ScriptEngineManager", "dev.edgesession.spring.AttributeCodecTests", "[B", "java.util.ArrayList");
		for (String type : types) {
			List<Object> values = new ArrayList<>(List.of(List.of(type, List.of()), new ArrayList<>(List.of(type, 5L)), Arrays.asList(type, Map.of("a", 1)),
					new Object[] { type, 1 }, new Object[] { type, new Object[0] }));
			for (String name : names) {
				values.add(Map.of(name, type));
				values.add(new LinkedHashMap<>(Map.of(name, type, "time", 0)));
				values.add(List.of(new HashMap<>(Map.of(name, List.of(type, List.of())))));
			}
			for (Object value : values) {
				JsonNode written;
				try {
					written = this.codec.encode("a", value);
				}
				catch (SessionDataException ex) {
					continue; // said while the application can still hear it
				}
				Object back = this.codec.decode("a", written);
				assertThat(back.getClass().isArray()).isEqualTo(value.getClass().isArray());
				assertThat(Arrays.deepEquals(new Object[] { back }, new Object[] { value })).as("%s", written).isTrue();
			}
		}
	}

	@Test
	void halfACharacterIsNotMadeAnother() {
		JsonNode written = Json.object().set("x", this.codec.encode("x", List.of("\ud83d")));
		assertThatExceptionOfType(SessionDataException.class).isThrownBy(() -> SessionData.check(written, 2048)).withMessageContaining("d83d");
	}

	@Test
	void transientFieldsAreLeftOutAsEver() {
		assertThat(this.codec.encode("x", new Forgetful()).toString()).doesNotContain("secret");
	}

	@Test
	void whatAnotherApplicationWroteWithoutTypesIsReadAsMapsAndLists() throws Exception {
		assertThat(this.codec.decode("x", Json.read("{\"a\":[1,null],\"b\":{\"c\":true}}")))
			.isEqualTo(Map.of("a", Arrays.asList(1, null), "b", Map.of("c", true)));
		assertThat(this.codec.decode("x", Json.read("[1,\"x\",null]"))).isEqualTo(Arrays.asList(1, "x", null));
	}

	@Test
	void shortNamesLeadBack() {
		for (String text : new String[] { "", "~", "~~", "~u.Date", "java.util.Date", "java.util.Collections$X", "org.springframework.security.core.X", "~x", "~~~u.", "x" }) {
			assertThat(ShortNames.lengthen(ShortNames.shorten(text))).isEqualTo(text);
		}
	}

}
