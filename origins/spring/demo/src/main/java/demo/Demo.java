package demo;

import java.nio.file.Path;
import java.time.Duration;

import org.springframework.beans.factory.annotation.Value;
import org.springframework.boot.SpringApplication;
import org.springframework.boot.autoconfigure.SpringBootApplication;
import org.springframework.boot.web.server.servlet.context.ServletWebServerInitializedEvent;
import org.springframework.context.annotation.Bean;
import org.springframework.context.event.EventListener;
import org.springframework.http.CacheControl;
import org.springframework.web.servlet.config.annotation.ResourceHandlerRegistry;
import org.springframework.web.servlet.config.annotation.WebMvcConfigurer;

/** The demonstration application on Spring Boot: no session store, and sessions as every Spring application uses them. */
@SpringBootApplication
public class Demo {

	public static void main(String[] arguments) {
		SpringApplication.run(Demo.class, arguments);
	}

	@EventListener
	void tellThePort(ServletWebServerInitializedEvent event) {
		System.out.println("listening on " + event.getWebServer().getPort());
	}

	/** The site's style sheet and pictures, from a folder that is given. */
	@Bean
	WebMvcConfigurer assets(@Value("${demo.assets}") String folder) {
		return new WebMvcConfigurer() {

			@Override
			public void addResourceHandlers(ResourceHandlerRegistry registry) {
				if (!folder.isEmpty()) {
					registry.addResourceHandler("/assets/*")
						.addResourceLocations(Path.of(folder).toUri().toString())
						.setCacheControl(CacheControl.maxAge(Duration.ofMinutes(1)).cachePublic());
				}
			}

		};
	}

}
