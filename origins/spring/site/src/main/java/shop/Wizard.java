package shop;

import org.springframework.stereotype.Controller;
import org.springframework.ui.Model;
import org.springframework.web.bind.annotation.GetMapping;
import org.springframework.web.bind.annotation.ModelAttribute;
import org.springframework.web.bind.annotation.PostMapping;
import org.springframework.web.bind.annotation.ResponseBody;
import org.springframework.web.bind.annotation.SessionAttributes;
import org.springframework.web.bind.support.SessionStatus;

/** Spring stores session attributes of the model after the body has been written. */
@Controller
@SessionAttributes("wizard")
class Wizard {

	@ModelAttribute("wizard")
	String wizard() {
		return "step 0";
	}

	@GetMapping("/wizard")
	@ResponseBody
	String wizard(Model model) {
		model.addAttribute("wizard", "step 1");
		return "ok";
	}

	@PostMapping("/wizard/done")
	@ResponseBody
	String done(SessionStatus status) {
		status.setComplete();
		return "ok";
	}

}
