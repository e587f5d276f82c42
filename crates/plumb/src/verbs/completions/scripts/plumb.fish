# Completes plumb's words in fish: plumb completions fish | source
# At every TAB plumb is asked, so ports, processes and containers are those of this moment.
complete -c plumb -f -a '(command plumb complete-line fish (commandline -cp) 2>/dev/null)'
