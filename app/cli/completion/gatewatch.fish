# Completion of gatewatch for fish. To load it: gatewatch completion fish | source
function __gatewatch_complete
	set -l words (commandline -opc)
	set -l cur (commandline -ct)
	set -l program $words[1]
	set -e words[1]
	for line in ($program complete =$words "=$cur" 2>/dev/null)
		if string match -q \t'*' -- $line # a file is wanted
			__fish_complete_path "$cur"
			return
		end
		echo $line
	end
end
complete -c gatewatch -f -a '(__gatewatch_complete)'
